//! Turns {"sensor":"kiln","reading":1,"fahrenheit":212.0} into {"sensor":"kiln","reading":1,"celsius":100.0} and drops
//! readings that no sensor can have made.

wit_bindgen::generate!({
    path: "../../wit/torvyn-streaming",
    world: "transform",
});

use exports::torvyn::streaming::processor::Guest;
use torvyn::streaming::buffer_allocator::allocate;
use torvyn::streaming::types::{
    BufferError, OutputElement, ProcessError, ProcessResult, StreamElement,
};

const KEY: &str = "\"fahrenheit\":";
const PLAUSIBLE: std::ops::RangeInclusive<f64> = -60.0..=2000.0; // of the sensors, in degrees Celsius

struct ToCelsius;

fn refused(error: BufferError) -> ProcessError {
    match error {
        BufferError::CapacityExceeded => ProcessError::Internal("capacity exceeded".into()),
        BufferError::OutOfBounds => ProcessError::Internal("out of bounds".into()),
        BufferError::AllocationFailed(why) => ProcessError::Unavailable(why),
    }
}

/// The text before the temperature, the temperature, the text behind it.
fn split(line: &str) -> Option<(&str, f64, &str)> {
    let (before, rest) = line.split_once(KEY)?;
    let end = rest.find([',', '}'])?;
    let (number, after) = rest.split_at(end);
    Some((before, number.trim().parse().ok()?, after))
}

fn convert(line: &str) -> Result<Option<String>, ProcessError> {
    let (before, fahrenheit, after) =
        split(line).ok_or_else(|| ProcessError::InvalidInput(format!("no reading: {line}")))?;
    let celsius = (fahrenheit - 32.0) / 1.8;
    Ok(PLAUSIBLE
        .contains(&celsius)
        .then(|| format!("{before}\"celsius\":{celsius:.1}{after}")))
}

impl Guest for ToCelsius {
    fn process(input: StreamElement) -> Result<ProcessResult, ProcessError> {
        let bytes = input.payload.read_all();
        let line = std::str::from_utf8(&bytes)
            .map_err(|error| ProcessError::InvalidInput(error.to_string()))?;
        let Some(converted) = convert(line)? else {
            return Ok(ProcessResult::Drop);
        };
        let buffer = allocate(converted.len() as u64).map_err(refused)?;
        buffer.append(converted.as_bytes()).map_err(refused)?;
        buffer.set_content_type("application/json");
        Ok(ProcessResult::Emit(OutputElement {
            meta: input.meta,
            payload: buffer.freeze(),
        }))
    }
}

export!(ToCelsius);
