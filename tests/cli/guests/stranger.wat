;; A filter that imports an interface that nobody has. World stranger.
(module
  (import "test:stranger/elsewhere@1.0.0" "ask" (func $ask (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "torvyn:filtering/filter@0.1.0#evaluate") (param i64 i64 i32 i32 i32 i32) (result i32)
    (drop (call $ask))
    (i32.const 0)))
