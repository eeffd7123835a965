;; Value types, and the kinds of type that a definition asks for.

(component definition
  (type (record (field "a" u8) (field "b" (list string))))
  (type (list u8 16))
  (type (map string u64))
  (type (result))
  (type (tuple bool s8 u8 s16 u16 s32 u32 s64 u64 f32 f64 char string))
  (type (flags "a" "b"))
  (type (func (param "x" (option (result u8 (error string)))) (result (list (list u8))))))

(assert_invalid (component (type (map f32 u8))) "the key of a map must be")
(assert_invalid (component (type (list u8 0))) "the length of a fixed-length list must be greater than 0")
(assert_invalid (component (type (list u64 33554432))) "exceeds the maximum size")
(assert_invalid (component (type (option 7))) "type index 7 out of bounds (0 so far)")
(assert_invalid (component (type $f (func)) (type (list $f))) "type 0: expected value type, found function type")
(assert_invalid (component (type $t u8) (type (own $t))) "type 0: expected resource type, found value type")
(assert_invalid (component (type $t u8) (import "f" (func (type $t)))) "type 0: expected function type, found value type")
(assert_invalid (component (type $t u8) (import "i" (instance (type $t)))) "type 0: expected instance type, found value type")
(assert_invalid (component (core type $t (func)) (import "m" (core module (type $t)))) "core type 0 is not a module type")
(assert_invalid
  (component (import "r" (type $r (sub resource))) (type (func (result (list (borrow $r))))))
  "the result of a function cannot contain a borrow")
(assert_invalid
  (component (type (component (type (resource (rep i32))))))
  "resources can only be defined within a concrete component")
(assert_invalid
  (component (core type (module (export "a" (func)) (export "a" (func)))))
  "duplicate core export name 'a'")
(assert_invalid
  (component (core type (module (export "f" (func (type 4))))))
  "core type index 4 out of bounds")
(assert_invalid
  (component (core type (module (import "" "m" (memory i64 1)))))
  "64-bit memory or table: not supported")
(assert_invalid
  (component (import "r" (type $r (sub resource))) (type $own (own $r)) (type (map u8 (list $own))))
  "the value of a map cannot contain a handle")
