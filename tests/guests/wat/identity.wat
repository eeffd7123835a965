;; Where resources are the same and where they are new.
(component
  (type $I (instance
    (export "r" (type $r (sub resource)))
    (export "f" (func (result (own $r))))))
  (import "one" (instance $one (type $I)))
  (import "two" (instance $two (type $I)))
  (alias export $one "r" (type $r1))
  (import "alias" (type $same (eq $r1)))
  (component $C
    (import "in" (type $in (sub resource)))
    (type $mine (resource (rep i32)))
    (export "mine" (type $mine))
    (export "given" (type $in)))
  (instance $c1 (instantiate $C (with "in" (type $r1))))
  (instance $c2 (instantiate $C (with "in" (type $r1))))
  (alias export $c1 "given" (type $given))
  (alias export $c1 "mine" (type $mine1))
  (alias export $c2 "mine" (type $mine2))
  (type $own (resource (rep i32)))
  (export "first" (type $own))
  (export "again" (type $own))
  (export "hidden" (type $own) (type (sub resource)))
)
