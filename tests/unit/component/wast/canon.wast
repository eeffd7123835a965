;; Canonical definitions: options, and core signatures against function types.

(component definition
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core module $m
    (func (export "plain") (param i32 i64 f32 f64) (result i64) unreachable)
    (func (export "joined") (param i32 i64))
    (func (export "many") (param i32) (result i32) unreachable)
    (func (export "after") (param i32)))
  (core instance $m (instantiate $m))
  (func (param "a" char) (param "b" s64) (param "c" f32) (param "d" f64) (result u64)
    (canon lift (core func $m "plain")))
  (type $either (variant (case "narrow" f32) (case "wide" u64) (case "none")))
  (import "either" (type $either' (eq $either)))
  (func (param "v" $either') (canon lift (core func $m "joined")))
  ;; 17 parameters and two results go through memory
  (func
    (param "a1" u8) (param "a2" u8) (param "a3" u8) (param "a4" u8) (param "a5" u8) (param "a6" u8)
    (param "a7" u8) (param "a8" u8) (param "a9" u8) (param "a10" u8) (param "a11" u8) (param "a12" u8)
    (param "a13" u8) (param "a14" u8) (param "a15" u8) (param "a16" u8) (param "a17" u8)
    (result (tuple u8 u8))
    (canon lift (core func $m "many") (memory $memory) (realloc $realloc) (post-return (core func $m "after"))))
  (import "text" (func $text (param "in" string) (result string)))
  (core func $text' (canon lower (func $text) (memory $memory) (realloc $realloc) string-encoding=utf16))
  (core module $user (import "" "text" (func (param i32 i32 i32))))
  (core instance (instantiate $user (with "" (instance (export "text" (func $text'))))))
)

(assert_invalid
  (component
    (core module $m (func (export "f") (param i64)))
    (core instance $i (instantiate $m))
    (func (param "x" u32) (canon lift (core func $i "f"))))
  "the lifted function has the core type (i64) -> (), but its function type asks for (i32) -> ()")
(assert_invalid
  (component
    (import "f" (func $f (result string)))
    (core module $m (memory (export "m") 1))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "m")))))
  "canonical option 'realloc' is required")
(assert_invalid
  (component (import "f" (func $f (param "x" string))) (core func (canon lower (func $f))))
  "canonical option 'memory' is required")
(assert_invalid
  (component (import "f" (func $f)) (core func (canon lower (func $f) string-encoding=utf8 string-encoding=utf8)))
  "canonical option 'string-encoding' conflicts")
(assert_invalid
  (component
    (core module $m (memory (export "m") 1) (func (export "r") (param i32 i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (import "f" (func $f))
    (core func (canon lower (func $f) (memory (core memory $i "m")) (realloc (core func $i "r")))))
  "canonical option 'realloc' names a core function with the wrong signature")
(assert_invalid
  (component
    (import "f" (func $f))
    (core module $m (func (export "p")))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (post-return (core func $i "p")))))
  "canonical option 'post-return' cannot be specified for lowerings")
(assert_invalid
  (component
    (core module $m (func (export "f") (result i32) unreachable) (func (export "p") (param i64)))
    (core instance $i (instantiate $m))
    (func (result u32) (canon lift (core func $i "f") (post-return (core func $i "p")))))
  "the post-return function has the core type (i64) -> ()")
(assert_invalid
  (component (type $t u8) (core func (canon resource.drop $t)))
  "type 0: expected resource type, found value type")
(assert_invalid
  (component (import "r" (type $r (sub resource))) (core func (canon resource.new $r)))
  "for resources that this component defines itself")
(assert_invalid
  (component
    (core module $m (func (export "d") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type (resource (rep i32) (dtor (core func $i "d")))))
  "wrong signature for a destructor")
(assert_invalid
  (component (core func (canon backpressure.inc)))
  "async, thread and error-context built-ins (WASI 0.3): not supported")
(assert_invalid
  (component (type (func (result (stream u8)))))
  "stream, future or error-context type (WASI 0.3): not supported")
(assert_invalid
  (component (type (func async)))
  "async function type (WASI 0.3): not supported")
