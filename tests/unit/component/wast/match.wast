;; Arguments of instantiations, core and component, and ascribed exports.

(component definition
  (component $C
    (import "log" (instance $log
      (type $l (enum "low" "high"))
      (export "level" (type $level (eq $l)))
      (export "sink" (type $sink (sub resource)))
      (export "write" (func (param "to" (borrow $sink)) (param "at" $level)))))
    (alias export $log "sink" (type $sink))
    (export "kept" (type $sink)))
  (import "mine" (instance $mine
    (export "extra" (func))
    (export "sink" (type $sink (sub resource)))
    (type $l (enum "low" "high"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "to" (borrow $sink)) (param "at" $level)))))
  (instance $c (instantiate $C (with "log" (instance $mine))))
  (alias export $c "kept" (type $kept))
  (alias export $mine "sink" (type $sink))
  ;; what the child kept is what it was given
  (component $Same (import "a" (type $a (sub resource))) (import "b" (type (eq $a))))
  (instance (instantiate $Same (with "a" (type $kept)) (with "b" (type $sink)))))

(assert_invalid
  (component
    (component $C (import "i" (instance (export "f" (func)))))
    (import "i" (instance $i))
    (instance (instantiate $C (with "i" (instance $i)))))
  "instantiation argument 'i': missing expected export 'f'")
(assert_invalid
  (component
    (component $C (import "f" (func (param "x" u8))))
    (import "f" (func $f (param "x" u16)))
    (instance (instantiate $C (with "f" (func $f)))))
  "instantiation argument 'f': expected func(x: u8), found func(x: u16)")
(assert_invalid
  (component
    (component $C (import "f" (func)))
    (import "f" (instance $f))
    (instance (instantiate $C (with "f" (instance $f)))))
  "instantiation argument 'f': expected func, found instance")
(assert_invalid
  (component (component $C (import "f" (func))) (instance (instantiate $C)))
  "missing instantiation argument for import 'f'")
(assert_invalid
  (component
    (component $C (type $t (option u8)) (import "t" (type (eq $t))))
    (type $other (option s8))
    (instance (instantiate $C (with "t" (type $other)))))
  "type mismatch: expected")

;; two instances of one component have different resources
(assert_invalid
  (component
    (component $Maker
      (type $r (resource (rep i32)))
      (export $r' "r" (type $r))
      (core func $d (canon resource.drop $r))
      (func (export "end") (param "x" (own $r')) (canon lift (core func $d))))
    (instance $a (instantiate $Maker))
    (instance $b (instantiate $Maker))
    (component $User (import "r" (type $r (sub resource))) (import "end" (func (param "x" (own $r)))))
    (instance (instantiate $User (with "r" (type $a "r")) (with "end" (func $b "end")))))
  "with other resource types")

;; components: less may be imported and more exported than asked for
(component definition
  (component $Host
    (import "plugin" (component
      (import "a" (func)) (import "b" (func))
      (export "r" (type $r (sub resource)))
      (export "make" (func (result (own $r)))))))
  (component $Plugin
    (import "b" (func))
    (type $r (resource (rep i32)))
    (export $r' "r" (type $r))
    (core module $m (func (export "f") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func $make (result (own $r')) (canon lift (core func $i "f")))
    (export "make" (func $make))
    (export "more" (func $make)))
  (instance (instantiate $Host (with "plugin" (component $Plugin)))))
(assert_invalid
  (component
    (component $Host (import "plugin" (component (export "f" (func)))))
    (component $Plugin (import "x" (func $x)) (export "f" (func $x)))
    (instance (instantiate $Host (with "plugin" (component $Plugin)))))
  "the component has an unexpected import 'x'")

;; core modules
(assert_invalid
  (component
    (core module $m (import "env" "f" (func (param i32))))
    (core module $n (func (export "f")))
    (core instance $i (instantiate $n))
    (core instance (instantiate $m (with "env" (instance $i)))))
  "core import 'env' 'f': expected (i32) -> (), found () -> ()")
(assert_invalid
  (component (core module $m (import "env" "f" (func))) (core instance (instantiate $m)))
  "missing core instantiation argument named 'env'")
(assert_invalid
  (component
    (core module $m)
    (core instance $i (instantiate $m))
    (core instance (instantiate $m (with "x" (instance $i)) (with "x" (instance $i)))))
  "duplicate instantiation argument named 'x'")
(assert_invalid
  (component
    (core module $m (import "" "g" (global (mut i32))))
    (component $C (import "m" (core module (import "" "g" (global i32)))))
    (instance (instantiate $C (with "m" (core module $m)))))
  "type mismatch in core import")

;; ascription
(component definition
  (import "i" (instance $i (export "f" (func)) (export "g" (func))))
  (export "less" (instance $i) (instance (export "g" (func)))))
(assert_invalid
  (component
    (import "i" (instance $i (export "f" (func))))
    (export "more" (instance $i) (instance (export "g" (func)))))
  "ascribed export 'more': missing expected export 'g'")
(assert_invalid
  (component
    (type $a (resource (rep i32)))
    (type $b (resource (rep i32)))
    (export $a' "a" (type $a))
    (export "b" (type $b) (type (eq $a'))))
  "ascribed export 'b': resource types are not the same")
