//! A source: called for one element after the other, until it says that there are no more.

wit_bindgen::generate!({
    world: "{{wit}}",
    path: "wit",
    generate_all,
});

use exports::torvyn::streaming::source::Guest;
use std::sync::atomic::{AtomicU64, Ordering};
use torvyn::streaming::buffer_allocator::allocate;
use torvyn::streaming::types::{
    BackpressureSignal, BufferError, ElementMeta, OutputElement, ProcessError,
};

struct Source;

const MESSAGES: u64 = 100;
static MADE: AtomicU64 = AtomicU64::new(0);

fn refused(error: BufferError) -> ProcessError {
    ProcessError::Unavailable(format!("{error:?}"))
}

impl Guest for Source {
    fn pull() -> Result<Option<OutputElement>, ProcessError> {
        let number = MADE.fetch_add(1, Ordering::Relaxed) + 1;
        if number > MESSAGES {
            return Ok(None);
        }
        let text = format!("Message {number}");
        let buffer = allocate(text.len() as u64).map_err(refused)?;
        buffer.append(text.as_bytes()).map_err(refused)?;
        Ok(Some(OutputElement {
            // The runtime assigns sequence and timestamp.
            meta: ElementMeta {
                sequence: 0,
                timestamp_ns: 0,
                content_type: "text/plain".into(),
            },
            payload: buffer.freeze(),
        }))
    }

    fn notify_backpressure(_signal: BackpressureSignal) {
        // A source with something of its own to pause would do so here.
    }
}

export!(Source);
