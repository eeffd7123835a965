//! A transform: makes one element of each that comes in, or drops it.

wit_bindgen::generate!({
    world: "{{wit}}",
    path: "wit",
    generate_all,
});

use exports::torvyn::streaming::processor::Guest;
use torvyn::streaming::buffer_allocator::clone_into_mutable;
use torvyn::streaming::types::{
    BufferError, OutputElement, ProcessError, ProcessResult, StreamElement,
};

struct Transform;

fn refused(error: BufferError) -> ProcessError {
    ProcessError::Unavailable(format!("{error:?}"))
}

impl Guest for Transform {
    fn process(input: StreamElement) -> Result<ProcessResult, ProcessError> {
        // Passes every element on. To change it, read it by input.payload.read_all(), allocate a
        // buffer for the new payload, append to it and freeze it.
        let copy = clone_into_mutable(input.payload).map_err(refused)?;
        Ok(ProcessResult::Emit(OutputElement {
            meta: input.meta,
            payload: copy.freeze(),
        }))
    }
}

export!(Transform);
