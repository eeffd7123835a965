;; Never finishes starting.
(component
  (core module $M (func $s (loop $forever (br $forever))) (start $s))
  (core instance (instantiate $M)))
