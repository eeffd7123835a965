;; Two resources of the host where it has one.
(component
  (import "test:host/things@1.0.0" (instance $i
    (export "thing" (type $thing (sub resource)))
    (export "other" (type $other (sub resource)))
    (export "consume" (func (param "t" (own $other)) (result u32))))))
