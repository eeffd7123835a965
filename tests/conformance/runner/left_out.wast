;; What is synchronous in scripts of the public suite whose components are not (see ../exceptions.txt).

;; leaving a component from post-return
(component definition $tester
  (component $other
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))
  (component $main
    (import "f" (func $f))
    (type $r (resource (rep i32)))
    (canon lower (func $f) (core func $f'))
    (canon resource.new $r (core func $new))
    (canon resource.drop $r (core func $drop))
    (core module $m
      (import "" "f" (func $f))
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (func (export "nothing"))
      (func (export "call") (call $f))
      (func (export "new") (drop (call $new (i32.const 1))))
      (func (export "drop") (call $drop (i32.const 0))))
    (core instance $i (instantiate $m (with "" (instance
      (export "f" (func $f')) (export "new" (func $new)) (export "drop" (func $drop))))))
    (func (export "call") (canon lift (core func $i "nothing") (post-return (core func $i "call"))))
    (func (export "new") (canon lift (core func $i "nothing") (post-return (core func $i "new"))))
    (func (export "drop") (canon lift (core func $i "nothing") (post-return (core func $i "drop")))))
  (instance $o (instantiate $other))
  (instance $m (instantiate $main (with "f" (func $o "f"))))
  (func (export "call") (alias export $m "call"))
  (func (export "new") (alias export $m "new"))
  (func (export "drop") (alias export $m "drop")))
(component instance $t1 $tester)
(assert_trap (invoke "call") "cannot leave component instance")
(component instance $t2 $tester)
(assert_trap (invoke "new") "cannot leave component instance")
(component instance $t3 $tester)
(assert_trap (invoke "drop") "cannot leave component instance")

;; a variant's payload travels in a slot that is wide enough for every case
(component
  (component $callee
    (type $narrow' (variant (case "a" u8) (case "b" u32)))
    (export $narrow "narrow-t" (type $narrow'))
    (type $mix' (variant (case "f" f32) (case "l" u64)))
    (export $mix "mix-t" (type $mix'))
    (core module $m
      (func (export "narrow") (param i32 i32) (result i32) (local.get 1))
      (func (export "mix") (param i32 i64) (result i64) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "narrow") (param "v" $narrow) (result u32) (canon lift (core func $i "narrow")))
    (func (export "mix") (param "v" $mix) (result u64) (canon lift (core func $i "mix"))))
  (component $caller
    (import "c" (instance $c
      (type $narrow' (variant (case "a" u8) (case "b" u32)))
      (export "narrow-t" (type $narrow (eq $narrow')))
      (type $mix' (variant (case "f" f32) (case "l" u64)))
      (export "mix-t" (type $mix (eq $mix')))
      (export "narrow" (func (param "v" $narrow) (result u32)))
      (export "mix" (func (param "v" $mix) (result u64)))))
    (canon lower (func $c "narrow") (core func $narrow))
    (canon lower (func $c "mix") (core func $mix))
    (core module $m
      (import "" "narrow" (func $narrow (param i32 i32) (result i32)))
      (import "" "mix" (func $mix (param i32 i64) (result i64)))
      (func (export "narrow") (param i32) (result i32) (call $narrow (local.get 0) (i32.const 0xabcdff02)))
      (func (export "mix") (param i32) (result i64) (call $mix (local.get 0) (i64.const 0xffffffff40490fdb))))
    (core instance $i (instantiate $m (with "" (instance
      (export "narrow" (func $narrow)) (export "mix" (func $mix))))))
    (func (export "narrow") (param "case" u32) (result u32) (canon lift (core func $i "narrow")))
    (func (export "mix") (param "case" u32) (result u64) (canon lift (core func $i "mix"))))
  (instance $c (instantiate $callee))
  (instance $d (instantiate $caller (with "c" (instance $c))))
  (func (export "narrow") (alias export $d "narrow"))
  (func (export "mix") (alias export $d "mix")))
(assert_return (invoke "narrow" (u32.const 0)) (u32.const 2))
(assert_return (invoke "narrow" (u32.const 1)) (u32.const 0xabcdff02))
(assert_return (invoke "mix" (u32.const 0)) (u64.const 0x40490fdb))
(assert_return (invoke "mix" (u32.const 1)) (u64.const 0xffffffff40490fdb))
