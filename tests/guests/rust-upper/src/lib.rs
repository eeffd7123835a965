// SPDX-License-Identifier: Apache-2.0
//! Emits every payload in upper case. With the configuration "reject-empty" an empty payload is invalid input.

use std::sync::atomic::{AtomicBool, Ordering};

wit_bindgen::generate!({
    path: "../../../wit/torvyn-streaming",
    world: "managed-transform",
});

use exports::torvyn::streaming::lifecycle::Guest as Lifecycle;
use exports::torvyn::streaming::processor::Guest as Processor;
use torvyn::streaming::buffer_allocator::allocate;
use torvyn::streaming::types::{
    BufferError, OutputElement, ProcessError, ProcessResult, StreamElement,
};

static REJECT_EMPTY: AtomicBool = AtomicBool::new(false);

struct Upper;

impl Lifecycle for Upper {
    fn init(config: String) -> Result<(), ProcessError> {
        match config.as_str() {
            "" => Ok(()),
            "reject-empty" => {
                REJECT_EMPTY.store(true, Ordering::Relaxed);
                Ok(())
            }
            other => Err(ProcessError::InvalidInput(format!(
                "unknown configuration '{other}'"
            ))),
        }
    }

    fn teardown() {}
}

fn refused(error: BufferError) -> ProcessError {
    match error {
        BufferError::CapacityExceeded => ProcessError::Internal("capacity exceeded".into()),
        BufferError::OutOfBounds => ProcessError::Internal("out of bounds".into()),
        BufferError::AllocationFailed(why) => ProcessError::Unavailable(why),
    }
}

impl Processor for Upper {
    fn process(input: StreamElement) -> Result<ProcessResult, ProcessError> {
        let mut bytes = input.payload.read_all();
        if bytes.is_empty() && REJECT_EMPTY.load(Ordering::Relaxed) {
            return Err(ProcessError::InvalidInput("the payload is empty".into()));
        }
        bytes.make_ascii_uppercase();
        let buffer = allocate(bytes.len() as u64).map_err(refused)?;
        buffer.append(&bytes).map_err(refused)?;
        buffer.set_content_type(&input.meta.content_type);
        Ok(ProcessResult::Emit(OutputElement {
            meta: input.meta,
            payload: buffer.freeze(),
        }))
    }
}

export!(Upper);
