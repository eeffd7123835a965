//! A filter: keeps or drops elements without changing them. This one keeps every second.

wit_bindgen::generate!({
    world: "{{wit}}",
    path: "wit",
    generate_all,
});

use exports::torvyn::filtering::filter::Guest;
use torvyn::streaming::types::{ProcessError, StreamElement};

struct Filter;

impl Guest for Filter {
    fn evaluate(element: StreamElement) -> Result<bool, ProcessError> {
        Ok(element.meta.sequence % 2 == 0)
    }
}

export!(Filter);
