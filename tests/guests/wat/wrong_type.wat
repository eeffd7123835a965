(component
  (import "test:host/calls@1.0.0" (instance $i (export "ping" (func (param "n" u32) (result u32))))))
