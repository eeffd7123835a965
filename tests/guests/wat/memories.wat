;; Three memories in one tree, one of them not exported; each function grows one of them.
(component
  (core module $Hidden
    (memory 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
  (core module $Open
    (memory (export "memory") 2)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
  (core instance $h (instantiate $Hidden))
  (core instance $a (instantiate $Open))
  (core instance $b (instantiate $Open))
  (func (export "grow-hidden") (param "pages" u32) (result s32) (canon lift (core func $h "grow")))
  (func (export "grow-a") (param "pages" u32) (result s32) (canon lift (core func $a "grow")))
  (func (export "grow-b") (param "pages" u32) (result s32) (canon lift (core func $b "grow"))))
