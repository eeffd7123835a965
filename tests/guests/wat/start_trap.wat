(component
  (core module $M (func $start_function (unreachable)) (start $start_function))
  (core instance (instantiate $M)))
