;; Who may enter whom. The root lends its own function to a child and calls the child through a table.
(component
  (core module $First
    (table (export "table") 1 1 funcref)
    (type $t (func (param i32) (result i32)))
    ;; n: how often to go down into the child again
    (func (export "back") (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0))
        (then (i32.const 100))
        (else (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))))
  (core instance $first (instantiate $First))
  (func $back (param "n" u32) (result u32) (canon lift (core func $first "back")))
  (component $Child
    (import "back" (func $back (param "n" u32) (result u32)))
    (core func $back' (canon lower (func $back)))
    (core module $M
      (import "" "back" (func $back (param i32) (result i32)))
      (func (export "go") (param i32) (result i32) (i32.add (call $back (local.get 0)) (i32.const 1))))
    (core instance $m (instantiate $M (with "" (instance (export "back" (func $back'))))))
    (func (export "go") (param "n" u32) (result u32) (canon lift (core func $m "go"))))
  (instance $child (instantiate $Child (with "back" (func $back))))
  (core func $go (canon lower (func $child "go")))
  (core module $Second
    (import "" "table" (table 1 1 funcref))
    (import "" "go" (func $go (param i32) (result i32)))
    (elem (i32.const 0) func $go)
    (func (export "run") (param i32) (result i32) (call $go (local.get 0))))
  (core instance $second (instantiate $Second (with "" (instance
    (export "table" (table $first "table"))
    (export "go" (func $go))))))
  (func (export "run") (param "n" u32) (result u32) (canon lift (core func $second "run"))))
