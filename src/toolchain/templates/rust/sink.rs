//! A sink: takes elements out of the pipeline. This one prints them.

wit_bindgen::generate!({
    world: "{{wit}}",
    path: "wit",
    generate_all,
});

use exports::torvyn::streaming::sink::Guest;
use torvyn::streaming::types::{BackpressureSignal, ProcessError, StreamElement};

struct Sink;

impl Guest for Sink {
    fn push(element: StreamElement) -> Result<BackpressureSignal, ProcessError> {
        let data = element.payload.read_all();
        println!("[{}] {}", element.meta.sequence, String::from_utf8_lossy(&data));
        Ok(BackpressureSignal::Ready)
    }

    fn complete() -> Result<(), ProcessError> {
        // There will be no more elements: write out what was held back.
        Ok(())
    }
}

export!(Sink);
