;; What aliases may name, and the sort of what they find.
;; The text of an assertion is part of our own diagnostic.

(component definition $Outer
  (core type $f (func (param i32)))
  (core module $m (func (export "run")))
  (core instance $i (instantiate $m))
  (alias core export $i "run" (core func $run))
  (type $flat (list (tuple u8 string)))
  (import "clock" (instance $clock
    (export "instant" (type $instant (sub resource)))
    (export "now" (func (result (own $instant))))
    (export "inner" (instance (export "tick" (func))))))
  (alias export $clock "instant" (type $instant))
  (alias export $clock "inner" (instance $inner))
  (alias export $inner "tick" (func))
  (component
    (alias outer $Outer $flat (type $mine))
    (alias outer $Outer $m (core module $again))
    (core instance (instantiate $again)))
  (type (component
    (alias outer $Outer $instant (type $there))
    (import "use" (instance (export "f" (func))))))
)

(assert_invalid
  (component (import "i" (instance $i (export "a" (func)))) (alias export $i "b" (func)))
  "instance 0 has no export named 'b'")
(assert_invalid
  (component (import "i" (instance $i (export "a" (func)))) (alias export $i "a" (component)))
  "export 'a' of instance 0: expected component, found func")
(assert_invalid
  (component
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (alias core export $i "f" (core memory)))
  "export 'f' of core instance 0: expected core memory, found core func")
(assert_invalid
  (component (core module $m) (core instance $i (instantiate $m)) (alias core export $i "f" (core func)))
  "core instance 0 has no export named 'f'")
(assert_invalid
  (component (alias export 3 "a" (func)))
  "instance index 3 out of bounds (0 so far)")
(assert_invalid
  (component (component (alias outer 2 0 (type))))
  "invalid outer alias count of 2")
(assert_invalid
  (component (component (alias outer 1 0 (component))))
  "component index 0 out of bounds")
(assert_invalid
  (component $C
    (import "r" (type $r (sub resource)))
    (type $rs (list (own $r)))
    (component (alias outer $C $rs (type))))
  "refers to resources cannot leave its component")
(assert_invalid
  (component $C
    (import "r" (type $r (sub resource)))
    (type $with (instance (export "f" (func (param "x" (borrow $r))))))
    (component (alias outer $C $with (type))))
  "refers to resources cannot leave its component")

;; an instance type's own resources do not keep it at home
(component definition $C
  (type $closed (instance
    (export "r" (type $r (sub resource)))
    (export "f" (func (param "x" (borrow $r))))))
  (component (alias outer $C $closed (type $t)) (import "i" (instance (type $t)))))

(assert_invalid
  (component (type (instance (export "i" (instance $i (export "f" (func)))) (alias export $i "f" (func)))))
  "an item of sort 'func' cannot be aliased here")
