(component
  (import "wasi:test/calls@0.2.9" (instance $i (export "ping" (func (result u32)))))
  (core func $ping (canon lower (func $i "ping")))
  (core module $M (import "" "ping" (func $p (result i32))) (func (export "run") (result i32) (call $p)))
  (core instance $m (instantiate $M (with "" (instance (export "ping" (func $ping))))))
  (func $run (result u32) (canon lift (core func $m "run")))
  (instance $exports (export "run" (func $run)))
  (export "test:guest/run@1.2.0" (instance $exports)))
