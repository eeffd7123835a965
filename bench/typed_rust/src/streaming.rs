// SPDX-License-Identifier: Apache-2.0
//! torvyn:streaming as typed bindings: what bindgen! generates, with lists of bytes taken without a copy in between.

use crate::pool::{Bytes, Pool};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use wasmtime::component::{
    Component, ComponentNamedList, ComponentType, Instance, Lift, Linker, Lower, Resource,
    ResourceType, TypedFunc, WasmList,
};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result, Store,
    StoreContextMut, StoreLimits, StoreLimitsBuilder, format_err,
};

const TYPES: &str = "torvyn:streaming/types@0.1.0";
const ALLOCATOR: &str = "torvyn:streaming/buffer-allocator@0.1.0";

/// The limits of the runtime that this is compared with.
const MEMORY_BYTES: usize = 64 << 20;
const WASM_STACK_BYTES: usize = 512 << 10;

pub struct Buffer;
pub struct MutableBuffer;
pub struct FlowContext;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub struct Meta {
    pub sequence: u64,
    #[component(name = "timestamp-ns")]
    pub timestamp_ns: u64,
    #[component(name = "content-type")]
    pub content_type: Arc<str>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct StreamElement {
    pub meta: Meta,
    pub payload: Resource<Buffer>,
    pub context: Resource<FlowContext>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct OutputElement {
    pub meta: Meta,
    pub payload: Resource<Buffer>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum ProcessResult {
    #[component(name = "emit")]
    Emit(OutputElement),
    #[component(name = "drop")]
    Drop,
}

#[derive(ComponentType, Lift, Debug)]
#[component(variant)]
#[allow(dead_code)] // read by Debug
pub enum ProcessError {
    #[component(name = "invalid-input")]
    InvalidInput(String),
    #[component(name = "unavailable")]
    Unavailable(String),
    #[component(name = "internal")]
    Internal(String),
    #[component(name = "deadline-exceeded")]
    DeadlineExceeded,
    #[component(name = "fatal")]
    Fatal(String),
}

#[derive(ComponentType, Lift, Clone, Copy, PartialEq)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code)] // made by lifting
pub enum Signal {
    #[component(name = "ready")]
    Ready,
    #[component(name = "pause")]
    Pause,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code)] // the contract's, not all of them happen here
enum BufferError {
    #[component(name = "capacity-exceeded")]
    CapacityExceeded,
    #[component(name = "out-of-bounds")]
    OutOfBounds,
    #[component(name = "allocation-failed")]
    AllocationFailed(String),
}

pub type SharedPool = Rc<RefCell<Pool>>;

/// What a store knows. All stores of a pipeline share the pool: they run on one thread.
pub struct State {
    pool: SharedPool,
    limits: StoreLimits,
}

type Context<'a> = StoreContextMut<'a, State>;

fn add_types(linker: &mut Linker<State>) -> Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.resource("buffer", ResourceType::host::<Buffer>(), |store, rep| {
        store.data().pool.borrow_mut().release(rep)
    })?;
    types.resource(
        "mutable-buffer",
        ResourceType::host::<MutableBuffer>(),
        |store, rep| store.data().pool.borrow_mut().release_mutable(rep),
    )?;
    types.resource(
        "flow-context",
        ResourceType::host::<FlowContext>(),
        |_, _| Ok(()),
    )?;
    types.func_wrap(
        "[method]buffer.size",
        |store: Context, (this,): (Resource<Buffer>,)| -> Result<(u64,)> {
            Ok((store.data().pool.borrow().length(this.rep())?,))
        },
    )?;
    types.func_wrap(
        "[method]buffer.read-all",
        |store: Context, (this,): (Resource<Buffer>,)| -> Result<(Bytes,)> {
            Ok((store.data().pool.borrow_mut().read(this.rep())?,))
        },
    )?;
    types.func_wrap(
        "[method]mutable-buffer.append",
        |store: Context, (this, bytes): (Resource<MutableBuffer>, WasmList<u8>)| {
            let fits = store
                .data()
                .pool
                .borrow_mut()
                .append(this.rep(), bytes.as_le_slice(&store))?;
            Ok((if fits {
                Ok(())
            } else {
                Err(BufferError::CapacityExceeded)
            },))
        },
    )?;
    types.func_wrap(
        "[method]mutable-buffer.freeze",
        |store: Context, (this,): (Resource<MutableBuffer>,)| {
            let frozen = store.data().pool.borrow_mut().freeze(this.rep())?;
            Ok((Resource::<Buffer>::new_own(frozen),))
        },
    )?;
    Ok(())
}

fn add_allocator(linker: &mut Linker<State>) -> Result<()> {
    linker
        .instance(ALLOCATOR)?
        .func_wrap("allocate", |store: Context, (capacity_hint,): (u64,)| {
            let buffer = store
                .data()
                .pool
                .borrow_mut()
                .allocate(capacity_hint as usize);
            Ok((Ok::<_, BufferError>(Resource::<MutableBuffer>::new_own(
                buffer,
            )),))
        })
}

pub struct Host {
    engine: Engine,
    linker: Linker<State>,
    pub pool: SharedPool,
}

impl Host {
    pub fn new() -> Result<Self> {
        let mut pooling = PoolingAllocationConfig::new();
        pooling
            .max_memory_size(MEMORY_BYTES)
            .total_component_instances(8)
            .total_core_instances(32);
        let mut config = Config::new();
        config
            .epoch_interruption(true)
            .memory_may_move(false)
            .max_wasm_stack(WASM_STACK_BYTES)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pooling));
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        add_types(&mut linker)?;
        add_allocator(&mut linker)?;
        Ok(Host {
            engine,
            linker,
            pool: Rc::new(RefCell::new(Pool::new())),
        })
    }

    pub fn load(&self, path: &str) -> Result<Guest> {
        let component = Component::from_file(&self.engine, path)?;
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_BYTES).build();
        let mut store = Store::new(
            &self.engine,
            State {
                pool: self.pool.clone(),
                limits,
            },
        );
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(1 << 40);
        let instance = self.linker.instantiate(&mut store, &component)?;
        Ok(Guest { store, instance })
    }
}

/// One component in a store of its own.
pub struct Guest {
    pub store: Store<State>,
    instance: Instance,
}

impl Guest {
    pub fn func<P, R>(&mut self, interface: &str, name: &str) -> Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let missing = || format_err!("the component does not export {interface}#{name}");
        let id = format!("torvyn:streaming/{interface}@0.1.0");
        let index = self
            .instance
            .get_export_index(&mut self.store, None, &id)
            .ok_or_else(missing)?;
        let index = self
            .instance
            .get_export_index(&mut self.store, Some(&index), name)
            .ok_or_else(missing)?;
        self.instance.get_typed_func(&mut self.store, &index)
    }
}
