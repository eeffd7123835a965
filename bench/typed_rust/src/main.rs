// SPDX-License-Identifier: Apache-2.0
//! The yardstick: the benchmarks' guests under Wasmtime's typed component bindings, as fast as a Rust host can do it
//! without giving up what the contract promises. One store per component, all on one thread, no queues, no metrics.

mod pool;
mod streaming;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use streaming::{
    Guest, Host, Meta, OutputElement, ProcessError, ProcessResult, SharedPool, Signal,
    StreamElement,
};
use wasmtime::component::{Resource, TypedFunc};
use wasmtime::{Result, bail, format_err};

const USAGE: &str = "usage: typed-rust call GUEST [--size BYTES] [--calls N]
       typed-rust pipeline SOURCE PROCESSOR SINK [--size BYTES] [--elements N]";

type Process = TypedFunc<(StreamElement,), (Result<ProcessResult, ProcessError>,)>;
type Pull = TypedFunc<(), (Result<Option<OutputElement>, ProcessError>,)>;
type Push = TypedFunc<(StreamElement,), (Result<Signal, ProcessError>,)>;
type Init = TypedFunc<(Arc<str>,), (Result<(), ProcessError>,)>;
type Complete = TypedFunc<(), (Result<(), ProcessError>,)>;

fn failed(error: ProcessError) -> wasmtime::Error {
    format_err!("the component returned {error:?}")
}

/// An element as it travels: the pipeline owns the payload.
struct Element {
    meta: Meta,
    payload: u32,
}

impl Element {
    fn from(output: OutputElement) -> Self {
        Element {
            meta: output.meta,
            payload: output.payload.rep(),
        }
    }

    fn lend(self) -> (StreamElement,) {
        let payload = Resource::new_borrow(self.payload);
        (StreamElement {
            meta: self.meta,
            payload,
            context: Resource::new_borrow(0),
        },)
    }
}

/// Offers the same element again and again.
fn call(host: &Host, guest: &str, size: usize, calls: u64) -> Result<()> {
    let mut guest = host.load(guest)?;
    let process: Process = guest.func("processor", "process")?;
    let payload = {
        let mut pool = host.pool.borrow_mut();
        let buffer = pool.allocate(size);
        pool.append(buffer, &vec![b'a'; size])?;
        pool.freeze(buffer)?
    };
    let content_type: Arc<str> = "text/plain".into();
    let mut run = |calls: u64| -> Result<f64> {
        let start = Instant::now();
        for sequence in 0..calls {
            let meta = Meta {
                sequence,
                timestamp_ns: sequence,
                content_type: content_type.clone(),
            };
            match process
                .call(&mut guest.store, Element { meta, payload }.lend())?
                .0
                .map_err(failed)?
            {
                ProcessResult::Emit(output) => {
                    if black_box(&output.meta).sequence != sequence {
                        bail!("the element changed its number");
                    }
                    host.pool.borrow_mut().release(output.payload.rep())?;
                }
                ProcessResult::Drop => {}
            }
        }
        Ok(start.elapsed().as_nanos() as f64)
    };
    run(calls / 10)?;
    println!("{{\"ns_per_call\": {:.2}}}", run(calls)? / calls as f64);
    Ok(())
}

struct Pipeline {
    source: Guest,
    processor: Guest,
    sink: Guest,
    pull: Pull,
    process: Process,
    push: Push,
    pool: SharedPool,
}

impl Pipeline {
    fn new(host: &Host, paths: &[String]) -> Result<Self> {
        let mut source = host.load(&paths[0])?;
        let mut processor = host.load(&paths[1])?;
        let mut sink = host.load(&paths[2])?;
        let pull = source.func("source", "pull")?;
        let process = processor.func("processor", "process")?;
        let push = sink.func("sink", "push")?;
        Ok(Pipeline {
            source,
            processor,
            sink,
            pull,
            process,
            push,
            pool: host.pool.clone(),
        })
    }

    /// Moves elements until the source has no more; returns how many arrived.
    fn run(&mut self, elements: u64, size: usize) -> Result<u64> {
        let init: Init = self.source.func("lifecycle", "init")?;
        init.call(
            &mut self.source.store,
            (format!("{elements} {size}").into(),),
        )?
        .0
        .map_err(failed)?;
        let mut sequence = 0;
        while let Some(output) = self
            .pull
            .call(&mut self.source.store, ())?
            .0
            .map_err(failed)?
        {
            let mut element = Element::from(output);
            element.meta.sequence = sequence;
            sequence += 1;
            let input = element.payload;
            let result = self
                .process
                .call(&mut self.processor.store, element.lend())?
                .0
                .map_err(failed)?;
            self.pool.borrow_mut().release(input)?;
            let ProcessResult::Emit(output) = result else {
                continue;
            };
            let element = Element::from(output);
            let input = element.payload;
            let signal = self
                .push
                .call(&mut self.sink.store, element.lend())?
                .0
                .map_err(failed)?;
            self.pool.borrow_mut().release(input)?;
            if signal != Signal::Ready {
                bail!("the sink asked for a pause");
            }
        }
        let complete: Complete = self.sink.func("sink", "complete")?;
        complete.call(&mut self.sink.store, ())?.0.map_err(failed)?;
        Ok(sequence)
    }
}

fn pipeline(host: &Host, paths: &[String], size: usize, elements: u64) -> Result<()> {
    let mut pipeline = Pipeline::new(host, paths)?;
    pipeline.run(elements / 10, size)?;
    host.pool.borrow_mut().copies = Default::default();
    let start = Instant::now();
    let arrived = pipeline.run(elements, size)?;
    let ns = start.elapsed().as_nanos() as f64;
    if arrived != elements {
        bail!("{arrived} of {elements} elements arrived");
    }
    let copies = host.pool.borrow().copies;
    println!(
        "{{\"ns_per_element\": {:.2}, \"elements_per_s\": {:.0}, \"copies\": {}, \"copy_bytes\": {}}}",
        ns / elements as f64,
        elements as f64 / ns * 1e9,
        copies.reads + copies.writes,
        copies.bytes
    );
    Ok(())
}

struct Arguments {
    positional: Vec<String>,
    size: usize,
    count: u64,
}

fn parse() -> Result<Arguments> {
    let mut parsed = Arguments {
        positional: Vec::new(),
        size: 64,
        count: 1_000_000,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            arguments
                .next()
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or(format_err!(USAGE))
        };
        match argument.as_str() {
            "--size" => parsed.size = number()? as usize,
            "--calls" | "--elements" => parsed.count = number()?,
            _ => parsed.positional.push(argument),
        }
    }
    Ok(parsed)
}

fn main() -> Result<()> {
    let arguments = parse()?;
    let host = Host::new()?;
    match arguments.positional.split_first() {
        Some((command, paths)) if command == "call" && paths.len() == 1 => {
            call(&host, &paths[0], arguments.size, arguments.count)
        }
        Some((command, paths)) if command == "pipeline" && paths.len() == 3 => {
            pipeline(&host, paths, arguments.size, arguments.count)
        }
        _ => bail!("{USAGE}"),
    }
}
