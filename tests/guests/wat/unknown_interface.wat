(component
  (import "test:host/thimgs@1.0.0" (instance $i (export "make" (func (result u32))))))
