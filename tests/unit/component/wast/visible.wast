;; Types of imports and exports must have names on the outside.

(component definition
  (core module $m (func (export "f") (param i32) (result i32) unreachable))
  (core instance $i (instantiate $m))
  (type $R (resource (rep i32)))
  (export $R' "r" (type $R))
  (type $color (enum "red" "green"))
  (export $color' "color" (type $color))
  (func (export "f") (param "x" (own $R')) (result $color') (canon lift (core func $i "f")))
  ;; anonymous types need no name
  (type $pair (tuple $color' (option u8)))
  (export "pair" (type $pair)))

(assert_invalid
  (component
    (core module $m (func (export "f") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (type $color (enum "red" "green"))
    (func (export "f") (result $color) (canon lift (core func $i "f"))))
  "export 'f' refers to a type that is not imported or exported itself")
(assert_invalid
  (component (type $color (enum "red")) (import "f" (func (param "c" (list $color)))))
  "import 'f' refers to a type that is not imported itself")
(assert_invalid
  (component
    (type $R (resource (rep i32)))
    (export "r" (type $R))
    (type $own (own $R))
    (export "t" (type $own)))
  "export 't' refers to a type that is not imported or exported itself")
(assert_invalid
  (component
    (type $R (resource (rep i32)))
    (export $R' "r" (type $R))
    (import "f" (func (param "x" (own $R')))))
  "import 'f' refers to a type that is not imported itself")

;; what an exported instance exports has a name, what stays in another one has not
(component definition
  (type $point (record (field "x" u8)))
  (instance $bag (export "point" (type $point)))
  (export $out "geometry" (instance $bag))
  (alias export $out "point" (type $p))
  (type $line (record (field "from" $p) (field "to" $p)))
  (export "line" (type $line)))
(assert_invalid
  (component
    (type $point (record (field "x" u8)))
    (instance $bag (export "point" (type $point)))
    (alias export $bag "point" (type $p))
    (type $line (record (field "from" $p) (field "to" $p)))
    (export "line" (type $line)))
  "export 'line' refers to a type that is not imported or exported itself")

;; instance types are looked at when they are used, component types at once
(component definition
  (type $I (instance (type $e (enum "a")) (export "f" (func (result $e))))))
(assert_invalid
  (component
    (type $I (instance (type $e (enum "a")) (export "f" (func (result $e)))))
    (import "i" (instance (type $I))))
  "import 'i' refers to a type that is not imported itself")
(assert_invalid
  (component (type (component (type $e (enum "a")) (export "f" (func (result $e))))))
  "export 'f' refers to a type that is not imported or exported itself")

;; the name that an export gives a type is for exports; the type itself is not touched
(component definition
  (type $point (record (field "x" u8)))
  (export "point" (type $point))
  (import "same" (type (eq $point)))
  (import "r" (type $r (sub resource)))
  (export "s" (type $r))
  (import "t" (type (eq $r))))
(assert_invalid
  (component
    (type $point (record (field "x" u8)))
    (export $named "point" (type $point))
    (import "same" (type (eq $named))))
  "import 'same' refers to the name that an export gave a type")
(assert_invalid
  (component
    (import "r" (type $r (sub resource)))
    (export $s "s" (type $r))
    (import "t" (type (eq $s))))
  "import 't' refers to the name that an export gave a type")
