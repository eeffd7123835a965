(component
  (import "test:host/calls@1.0.0" (instance $i (export "pimg" (func (result u32))))))
