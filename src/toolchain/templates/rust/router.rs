//! A router: names the ports that an element goes to. A port is the start of an edge of the flow.

wit_bindgen::generate!({
    world: "{{wit}}",
    path: "wit",
    generate_all,
});

use exports::torvyn::filtering::router::Guest;
use torvyn::streaming::types::{ProcessError, StreamElement};

struct Router;

impl Guest for Router {
    fn route(element: StreamElement) -> Result<Vec<String>, ProcessError> {
        // With a second edge from this node, its port's name sends elements there.
        if element.payload.size() == 0 {
            return Ok(vec![]);
        }
        Ok(vec!["output".into()])
    }
}

export!(Router);
