// SPDX-License-Identifier: Apache-2.0
//! Payload buffers on the host: a table per kind of handle, and a list of spare ones, so that a running pipeline
//! allocates none.

use std::sync::Arc;
use wasmtime::{Result, bail};

/// Lowering wants something that can be handed out while the pool is not borrowed: a count, not a copy.
pub type Bytes = Arc<Vec<u8>>;

/// Values by number; numbers are used again.
struct Table<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Table<T> {
    fn new() -> Self {
        Table {
            items: Vec::new(),
            free: Vec::new(),
        }
    }

    fn insert(&mut self, item: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.items[number as usize] = Some(item);
            return number;
        }
        self.items.push(Some(item));
        (self.items.len() - 1) as u32
    }

    fn get(&self, number: u32) -> Result<&T> {
        match self.items.get(number as usize) {
            Some(Some(item)) => Ok(item),
            _ => bail!("unknown buffer"),
        }
    }

    fn get_mut(&mut self, number: u32) -> Result<&mut T> {
        match self.items.get_mut(number as usize) {
            Some(Some(item)) => Ok(item),
            _ => bail!("unknown buffer"),
        }
    }

    fn take(&mut self, number: u32) -> Result<T> {
        match self.items.get_mut(number as usize).and_then(Option::take) {
            Some(item) => {
                self.free.push(number);
                Ok(item)
            }
            None => bail!("unknown buffer"),
        }
    }
}

/// Copies of payloads between host and components.
#[derive(Default, Clone, Copy)]
pub struct Copies {
    pub reads: u64,
    pub writes: u64,
    pub bytes: u64,
}

pub struct Pool {
    buffers: Table<Bytes>,
    /// None once frozen: the guest may still hold the handle.
    mutable: Table<Option<Bytes>>,
    spare: Vec<Bytes>,
    pub copies: Copies,
}

impl Pool {
    pub fn new() -> Self {
        Pool {
            buffers: Table::new(),
            mutable: Table::new(),
            spare: Vec::new(),
            copies: Copies::default(),
        }
    }

    pub fn allocate(&mut self, capacity: usize) -> u32 {
        let mut bytes = self.spare.pop().unwrap_or_default();
        let content = Arc::get_mut(&mut bytes).expect("a spare buffer has no other owner");
        content.clear();
        content.reserve(capacity);
        self.mutable.insert(Some(bytes))
    }

    /// False: more than the buffer can hold.
    pub fn append(&mut self, number: u32, more: &[u8]) -> Result<bool> {
        let Some(bytes) = self.mutable.get_mut(number)? else {
            bail!("the buffer is frozen")
        };
        let content = Arc::get_mut(bytes).expect("a mutable buffer has no other owner");
        if more.len() > content.capacity() - content.len() {
            return Ok(false);
        }
        content.extend_from_slice(more);
        self.copies.writes += 1;
        self.copies.bytes += more.len() as u64;
        Ok(true)
    }

    pub fn freeze(&mut self, number: u32) -> Result<u32> {
        match self.mutable.get_mut(number)?.take() {
            Some(bytes) => Ok(self.buffers.insert(bytes)),
            None => bail!("the buffer is frozen"),
        }
    }

    pub fn read(&mut self, number: u32) -> Result<Bytes> {
        let bytes = self.buffers.get(number)?.clone();
        self.copies.reads += 1;
        self.copies.bytes += bytes.len() as u64;
        Ok(bytes)
    }

    pub fn length(&self, number: u32) -> Result<u64> {
        Ok(self.buffers.get(number)?.len() as u64)
    }

    pub fn release(&mut self, number: u32) -> Result<()> {
        self.spare.push(self.buffers.take(number)?);
        Ok(())
    }

    pub fn release_mutable(&mut self, number: u32) -> Result<()> {
        if let Some(bytes) = self.mutable.take(number)? {
            self.spare.push(bytes);
        }
        Ok(())
    }
}
