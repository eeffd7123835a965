;; A component of the first 0.2 release: every 0.2.x imports the same track.
(component
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (export "resolution" (func (result u64)))
  ))
  (import "wasi:cli/exit@0.2.3" (instance $exit
    (export "exit" (func (param "status" (result))))
  ))
  (core module $m
    (import "clock" "resolution" (func $resolution (result i64)))
    (func (export "run") (result i64) (call $resolution))
  )
  (core func $resolution (canon lower (func $clock "resolution")))
  (core instance $i (instantiate $m (with "clock" (instance (export "resolution" (func $resolution))))))
  (func (export "run") (result u64) (canon lift (core func $i "run")))
)
