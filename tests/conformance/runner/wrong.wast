;; Every command with a mark must be reported, and no other.
(component
  (core module $m
    (func (export "one") (result i32) (i32.const 1))
    (func (export "crash") unreachable))
  (core instance $i (instantiate $m))
  (func (export "one") (result u32) (canon lift (core func $i "one")))
  (func (export "crash") (canon lift (core func $i "crash"))))
(assert_return (invoke "one") (u32.const 1))
(assert_return (invoke "one") (u32.const 2)) ;; fails: another value
(assert_return (invoke "one") (s32.const 1)) ;; fails: another type
(assert_return (invoke "one")) ;; fails: a result that is not expected
(assert_return (invoke "two") (u32.const 1)) ;; fails: no such function
(assert_return (invoke "one" (u32.const 1)) (u32.const 1)) ;; fails: an argument too many
(assert_trap (invoke "one") "unreachable") ;; fails: no trap
(assert_trap (invoke "crash") "integer overflow") ;; fails: another class
(assert_return (invoke "one") (u32.const 1)) ;; fails: the instance is dead
(assert_invalid (component) "valid in truth") ;; fails: accepted
(component (import "a" (func))) ;; fails: nobody provides the import
(assert_return (invoke "one") (u32.const 1)) ;; fails: there is no current instance
(register "nothing") ;; fails: there is no current instance
(assert_unlinkable (component) "links") ;; fails: it instantiates
(assert_trap (component) "unreachable") ;; fails: it instantiates
