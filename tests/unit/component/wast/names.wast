;; Names of imports and exports.

(component definition
  (import "plain" (func))
  (import "UPPER-and-lower-4" (func))
  (import "ns:pkg/name" (func))
  (import "ns:pkg/name@1.2.3-rc.1+build" (func))
  (import "thing" (type $t (sub resource)))
  (import "[constructor]thing" (func (result (own $t))))
  (import "[method]thing.do-it" (func (param "self" (borrow $t)) (param "x" u8)))
  (import "[static]thing.other" (func)))

(assert_invalid (component (import "snake_case" (func))) "'snake_case' is not a valid import or export name")
(assert_invalid (component (import "" (func))) "'' is not a valid import or export name")
(assert_invalid (component (import "ns:pkg/name@1.2" (func))) "is not a valid import or export name")
(assert_invalid (component (import "ns:pkg" (func))) "is not a valid import or export name")
(assert_invalid (component (import "[odd]a" (func))) "is not a valid import or export name")
(assert_invalid
  (component (import "a-b" (func)) (import "A-B" (func)))
  "import name 'A-B' conflicts with a previous name")
(assert_invalid
  (component (import "ab" (func)) (import "a-b" (func)))
  "import name 'a-b' conflicts with a previous name")
(assert_invalid
  (component (import "f" (func $f)) (export "x" (func $f)) (export "X" (func $f)))
  "export name 'X' conflicts with a previous name")
(assert_invalid
  (component
    (import "t" (type $t (sub resource)))
    (import "[method]t.t" (func (param "self" (borrow $t)))))
  "import name '[method]t.t' conflicts with a previous name")
(assert_invalid
  (component (import "t" (type (sub resource))) (import "[constructor]t" (func)))
  "'[constructor]t' should return one value")
(assert_invalid
  (component (import "t" (type (sub resource))) (import "[constructor]t" (func (result u8))))
  "'[constructor]t' should return its resource")
(assert_invalid
  (component (import "t" (type (sub resource))) (import "[method]t.x" (func)))
  "'[method]t.x' should have at least one parameter")
(assert_invalid
  (component (import "t" (type $t (sub resource))) (import "[method]t.x" (func (param "me" (borrow $t)))))
  "'[method]t.x' should have a first parameter called 'self'")
(assert_invalid
  (component (import "t" (type $t (sub resource))) (import "[method]t.x" (func (param "self" (own $t)))))
  "'[method]t.x' should take its resource as borrow<")
(assert_invalid (component (import "[static]t.x" (func))) "'[static]t.x' names a resource that has no such name here")
(assert_invalid
  (component (import "t" (type (sub resource))) (import "[static]t.x" (instance)))
  "'[static]t.x' is not a func")
(assert_invalid
  (component (import "f" (func $f)) (instance (export "1st" (func $f))))
  "'1st' is not a valid import or export name")

;; attributes
(component definition
  (import "store" (implements "w:kv/s@1.0.0") (external-id "any text") (instance)))
(assert_invalid
  (component (import "store" (implements "w:kv/s") (func)))
  "only instances can have an 'implements' attribute")
(assert_invalid
  (component (import "w:kv/s" (implements "w:kv/s") (instance)))
  "name 'w:kv/s' is not valid with 'implements'")
(assert_invalid
  (component (import "store" (implements "plain") (instance)))
  "the value of 'implements' must be an interface, not 'plain'")

;; labels in types
(assert_invalid (component (type (record (field "a" u8) (field "A" u8)))) "record field name 'A' conflicts")
(assert_invalid (component (type (enum "not_kebab"))) "enum case name 'not_kebab' is not in kebab case")
(assert_invalid (component (type (flags ""))) "flag name cannot be empty")
(assert_invalid (component (type (func (param "x" u8) (param "x" u8)))) "function parameter name 'x' conflicts")
(assert_invalid (component (type (variant))) "a type must have at least one variant case")
