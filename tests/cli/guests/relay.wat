;; A processor that passes elements on. From the fourth on it misbehaves as its configuration says:
;; {"fault":"loop"}, only the first letter counts. World managed-transform, canonical ABI by hand.
(module
  (import "torvyn:streaming/types@0.1.0" "[resource-drop]buffer" (func $drop_buffer (param i32)))
  (import "torvyn:streaming/types@0.1.0" "[resource-drop]mutable-buffer" (func $drop_mutable (param i32)))
  (import "torvyn:streaming/types@0.1.0" "[resource-drop]flow-context" (func $drop_context (param i32)))
  (import "torvyn:streaming/types@0.1.0" "[method]buffer.size" (func $size (param i32) (result i64)))
  (import "torvyn:streaming/types@0.1.0" "[method]mutable-buffer.size" (func $mutable_size (param i32) (result i64)))
  (import "torvyn:streaming/types@0.1.0" "[method]mutable-buffer.freeze" (func $freeze (param i32) (result i32)))
  (import "torvyn:streaming/buffer-allocator@0.1.0" "clone-into-mutable" (func $clone (param i32 i32)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 4096))
  (global $calls (mut i32) (i32.const 0))
  (global $fault (mut i32) (i32.const 110)) ;; 'n', none
  (global $kept (mut i32) (i32.const 0))
  (data (i32.const 256) "the relay is worn out\ff")

  (func $realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $new_size i32)
    (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $new_size)))
    (local.get $at))

  ;; lifecycle.init: {"fault":"x… has the letter at 10. "i" fails to start.
  (func (export "torvyn:streaming/lifecycle@0.1.0#init") (param $config i32) (param $length i32) (result i32)
    (if (i32.gt_u (local.get $length) (i32.const 10))
      (then (global.set $fault (i32.load8_u offset=10 (local.get $config)))))
    (if (i32.eq (global.get $fault) (i32.const 121)) (then (loop $forever (br $forever)))) ;; y: loops in init
    (i32.store8 (i32.const 0) (i32.const 0))
    (if (i32.eq (global.get $fault) (i32.const 105)) ;; i
      (then
        (i32.store8 (i32.const 0) (i32.const 1))  ;; error
        (i32.store8 (i32.const 4) (i32.const 4))  ;; fatal
        (i32.store (i32.const 8) (i32.const 256))
        (i32.store (i32.const 12) (i32.const 21))))
    (i32.const 0))
  (func (export "torvyn:streaming/lifecycle@0.1.0#teardown")
    (if (i32.eq (global.get $fault) (i32.const 122)) (then (loop $forever (br $forever))))) ;; z: loops in teardown

  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))

  (func $fail (param $error i32) (result i32)
    (i32.store8 (i32.const 0) (i32.const 1))
    (i32.store8 (i32.const 8) (local.get $error))
    (i32.store (i32.const 12) (i32.const 256))
    (i32.store (i32.const 16) (i32.const 21))
    (i32.const 0))

  ;; emit(output-element) with this payload
  (func $emit (param $payload i32) (result i32)
    (i32.store8 (i32.const 0) (i32.const 0))
    (i32.store8 (i32.const 8) (i32.const 0))
    (i64.store (i32.const 16) (i64.const 0))
    (i64.store (i32.const 24) (i64.const 0))
    (i32.store (i32.const 32) (i32.const 256))
    (i32.store (i32.const 36) (i32.const 0))
    (i32.store (i32.const 40) (local.get $payload))
    (i32.const 0))

  (func $is (param $letter i32) (result i32)
    (i32.and
      (i32.eq (global.get $fault) (local.get $letter))
      (i32.gt_u (global.get $calls) (i32.const 3))))

  (func (export "torvyn:streaming/processor@0.1.0#process")
    (param $sequence i64) (param $timestamp i64) (param $type i32) (param $type_length i32)
    (param $payload i32) (param $context i32) (result i32)
    (local $buffer i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (call $is (i32.const 116)) (then (unreachable)))                      ;; t: trap
    (if (call $is (i32.const 108)) (then (loop $forever (br $forever))))      ;; l: loop
    (if (call $is (i32.const 114)) (then (drop (call $recurse (i32.const 0))))) ;; r: recursion
    (if (call $is (i32.const 111))                                            ;; o: outside of the memory
      (then (drop (i32.load (i32.const 0x7ffffffc)))))
    (if (call $is (i32.const 109)) (then                                      ;; m: memory
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (unreachable)))
    (if (call $is (i32.const 103)) (then                                      ;; g: goes on taking buffers
      (loop $more
        (call $clone (local.get $payload) (i32.const 64))
        (br_if $more (i32.eqz (i32.load8_u (i32.const 64)))))
      (unreachable)))
    (if (call $is (i32.const 120)) (then                                      ;; x: exhausts its handles in a freeze
      (call $drop_context (local.get $context))
      (loop $more
        (call $clone (local.get $payload) (i32.const 64))
        (if (i32.load8_u (i32.const 64)) (then (unreachable)))
        (drop (call $freeze (i32.load (i32.const 68))))
        (br $more))))
    (if (call $is (i32.const 102)) (then                                      ;; f: fatal
      (call $drop_buffer (local.get $payload))
      (call $drop_context (local.get $context))
      (return (call $fail (i32.const 4)))))
    (if (call $is (i32.const 101)) (then                                      ;; e: an error, skipped
      (call $drop_buffer (local.get $payload))
      (call $drop_context (local.get $context))
      (return (call $fail (i32.const 2)))))
    (if (call $is (i32.const 98)) (then (return (call $emit (local.get $payload))))) ;; b: gives a borrow away
    (if (call $is (i32.const 107)) (then                                      ;; k: keeps its borrows
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store8 (i32.const 8) (i32.const 1))
      (return (i32.const 0))))
    (if (call $is (i32.const 117))                                            ;; u: uses an unknown handle
      (then (drop (call $size (i32.const 4711)))))
    (if (call $is (i32.const 119))                                            ;; w: a handle of the wrong type
      (then (drop (call $size (local.get $context)))))

    (call $clone (local.get $payload) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (unreachable)))
    (local.set $buffer (call $freeze (i32.load (i32.const 68))))
    (if (call $is (i32.const 99))                                             ;; c: changes a frozen buffer
      (then (drop (call $mutable_size (i32.load (i32.const 68))))))
    (call $drop_mutable (i32.load (i32.const 68)))
    (call $drop_buffer (local.get $payload))
    (call $drop_context (local.get $context))
    (if (call $is (i32.const 100)) (then (call $drop_buffer (local.get $buffer)))) ;; d: gives a dropped buffer
    (drop (call $emit (local.get $buffer)))
    (if (call $is (i32.const 104)) (then (i32.store (i32.const 40) (i32.const 99)))) ;; h: gives an unknown handle
    (if (call $is (i32.const 112)) (then (return (i32.const 0xfffffff0))))    ;; p: a result outside of the memory
    (if (call $is (i32.const 97)) (then (return (i32.const 4))))              ;; a: a result that is not aligned
    (if (call $is (i32.const 115)) (then (i32.store (i32.const 36) (i32.const 22)))) ;; s: text that is not UTF-8
    (if (call $is (i32.const 113)) (then (i32.store (i32.const 36) (i32.const -1)))) ;; q: text outside of the memory
    (if (call $is (i32.const 118)) (then (i32.store8 (i32.const 8) (i32.const 7)))) ;; v: a case that there is not
    (i32.const 0))

  (func (export "cabi_post_torvyn:streaming/processor@0.1.0#process") (param i32)
    (global.set $top (i32.const 4096)))
  (func (export "cabi_post_torvyn:streaming/lifecycle@0.1.0#init") (param i32)))
