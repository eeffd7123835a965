//! A transform: makes one element of each that comes in, or drops it.

wit_bindgen::generate!({
    world: "{{wit}}",
    path: "wit",
    generate_all,
});

use exports::torvyn::streaming::processor::Guest;
use torvyn::streaming::buffer_allocator::allocate;
use torvyn::streaming::types::{
    BufferError, OutputElement, ProcessError, ProcessResult, StreamElement,
};

struct Upper;

fn refused(error: BufferError) -> ProcessError {
    ProcessError::Unavailable(format!("{error:?}"))
}

impl Guest for Upper {
    fn process(input: StreamElement) -> Result<ProcessResult, ProcessError> {
        let data = input.payload.read_all();
        let text = String::from_utf8_lossy(&data).to_uppercase();
        let buffer = allocate(text.len() as u64).map_err(refused)?;
        buffer.append(text.as_bytes()).map_err(refused)?;
        Ok(ProcessResult::Emit(OutputElement {
            meta: input.meta,
            payload: buffer.freeze(),
        }))
    }
}

export!(Upper);
