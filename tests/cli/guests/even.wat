;; A filter that keeps elements with an even sequence number. World content-filter.
(module
  (import "torvyn:streaming/types@0.1.0" "[resource-drop]buffer" (func $drop_buffer (param i32)))
  (import "torvyn:streaming/types@0.1.0" "[resource-drop]flow-context" (func $drop_context (param i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "torvyn:filtering/filter@0.1.0#evaluate")
    (param $sequence i64) (param $timestamp i64) (param $type i32) (param $type_length i32)
    (param $payload i32) (param $context i32) (result i32)
    (call $drop_buffer (local.get $payload))
    (call $drop_context (local.get $context))
    (i32.store8 (i32.const 0) (i32.const 0))
    (i32.store8 (i32.const 4) (i32.eqz (i32.wrap_i64 (i64.and (local.get $sequence) (i64.const 1)))))
    (i32.const 0)))
