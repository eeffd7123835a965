;; Fixups that call the main module's `_initialize` once the table is filled; it calls what is there.
(component
  (component $Maths
    (core module $M
      (func (export "add-ten") (param i32) (result i32) (i32.add (local.get 0) (i32.const 10)))
      (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))
    (core instance $m (instantiate $M))
    (func (export "add-ten") (param "n" u32) (result u32) (canon lift (core func $m "add-ten")))
    (func (export "double") (param "n" u32) (result u32) (canon lift (core func $m "double"))))
  (instance $maths (instantiate $Maths))
  (core module $Shim
    (type $f (func (param i32) (result i32)))
    (table $t 2 2 funcref)
    (func (export "0") (type $f) (call_indirect (type $f) (local.get 0) (i32.const 0)))
    (func (export "1") (type $f) (call_indirect (type $f) (local.get 0) (i32.const 1)))
    (export "$imports" (table $t)))
  (core module $Main
    (import "maths" "add-ten" (func $add_ten (param i32) (result i32)))
    (import "maths" "double" (func $double (param i32) (result i32)))
    (memory (export "memory") 1)
    (global $begun (mut i32) (i32.const 0))
    (func (export "_initialize") (global.set $begun (call $double (i32.const 50))))
    (func (export "call-add-ten") (param i32) (result i32) (i32.add (global.get $begun) (call $add_ten (local.get 0))))
    (func (export "call-double") (param i32) (result i32) (call $double (local.get 0))))
  (core module $Fixups
    (import "actual" "0" (func $f0 (param i32) (result i32)))
    (import "actual" "1" (func $f1 (param i32) (result i32)))
    (import "main" "_initialize" (func $_initialize))
    (import "shim" "$imports" (table 2 2 funcref))
    (start $_initialize)
    (elem (i32.const 0) func $f0 $f1))
  (core instance $shim (instantiate $Shim))
  (alias core export $shim "0" (core func $late_add_ten))
  (alias core export $shim "1" (core func $late_double))
  (core instance $main (instantiate $Main (with "maths" (instance
    (export "add-ten" (func $late_add_ten))
    (export "double" (func $late_double))))))
  (alias core export $main "memory" (core memory $memory))
  (core func $add_ten (canon lower (func $maths "add-ten") (memory $memory)))
  (core func $double (canon lower (func $maths "double") (memory $memory)))
  (core instance (instantiate $Fixups
    (with "actual" (instance (export "0" (func $add_ten)) (export "1" (func $double))))
    (with "main" (instance $main))
    (with "shim" (instance $shim))))
  (func (export "add-ten") (param "n" u32) (result u32) (canon lift (core func $main "call-add-ten")))
  (func (export "double") (param "n" u32) (result u32) (canon lift (core func $main "call-double"))))
