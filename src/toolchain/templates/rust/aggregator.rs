//! An aggregator: gathers elements and emits results. This one counts five at a time.

wit_bindgen::generate!({
    world: "{{wit}}",
    path: "wit",
    generate_all,
});

use exports::torvyn::aggregation::aggregator::Guest;
use std::cell::RefCell;
use torvyn::streaming::buffer_allocator::allocate;
use torvyn::streaming::types::{
    BufferError, ElementMeta, OutputElement, ProcessError, StreamElement,
};

struct Aggregator;

#[derive(Default)]
struct Group {
    elements: u64,
    bytes: u64,
}

const GROUP: u64 = 5;
thread_local!(static GROUPED: RefCell<Group> = RefCell::new(Group::default()));

fn refused(error: BufferError) -> ProcessError {
    ProcessError::Unavailable(format!("{error:?}"))
}

fn emit(group: Group) -> Result<OutputElement, ProcessError> {
    let text = format!("{} elements, {} bytes", group.elements, group.bytes);
    let buffer = allocate(text.len() as u64).map_err(refused)?;
    buffer.append(text.as_bytes()).map_err(refused)?;
    Ok(OutputElement {
        meta: ElementMeta {
            sequence: 0,
            timestamp_ns: 0,
            content_type: "text/plain".into(),
        },
        payload: buffer.freeze(),
    })
}

impl Guest for Aggregator {
    fn ingest(element: StreamElement) -> Result<Option<OutputElement>, ProcessError> {
        let full = GROUPED.with_borrow_mut(|group| {
            group.elements += 1;
            group.bytes += element.payload.size();
            (group.elements == GROUP).then(|| std::mem::take(group))
        });
        full.map(emit).transpose()
    }

    fn flush() -> Result<Vec<OutputElement>, ProcessError> {
        // There will be no more elements.
        let rest = GROUPED.with_borrow_mut(std::mem::take);
        if rest.elements == 0 {
            return Ok(vec![]);
        }
        Ok(vec![emit(rest)?])
    }
}

export!(Aggregator);
