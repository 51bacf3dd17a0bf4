//! The engine between threads: whoever waits for it does so without the interpreter lock.
//!
//! A call that holds the tree for long (`take_many`, a long block, an export) works without the interpreter lock. A
//! thread that waited for the tree and kept the interpreter lock would stop every other thread with it, also those
//! that ask the engine nothing. So the lock of the tree is taken here and nowhere else. Nothing that is done under it
//! knows Python, so who has it never waits for the interpreter.

use coinjecture_consensus::Engine;
use parking_lot::RwLock;
use pyo3::Python;

/// Time above which other threads may run meanwhile, in nanoseconds. Below it, getting the interpreter lock back
/// can cost more than the work itself.
pub const WORTH_RELEASING: u64 = 1_000_000;

/// An engine for several threads.
pub struct Locked(RwLock<Engine>);

impl Locked {
    /// The engine, which nobody else has.
    pub const fn new(engine: Engine) -> Self {
        Self(RwLock::new(engine))
    }

    /// Asks the engine something that takes no time worth mentioning.
    pub fn read<T: Send>(&self, py: Python<'_>, read: impl FnOnce(&Engine) -> T + Send) -> T {
        if let Some(engine) = self.0.try_read() {
            return read(&engine);
        }
        self.read_long(py, read)
    }

    /// The same for what takes long.
    pub fn read_long<T: Send>(&self, py: Python<'_>, read: impl FnOnce(&Engine) -> T + Send) -> T {
        py.detach(|| read(&self.0.read()))
    }

    /// Changes the engine in no time worth mentioning.
    pub fn change<T: Send>(&self, py: Python<'_>, change: impl FnOnce(&mut Engine) -> T + Send) -> T {
        if let Some(mut engine) = self.0.try_write() {
            return change(&mut engine);
        }
        self.change_long(py, change)
    }

    /// The same for what takes long.
    pub fn change_long<T: Send>(&self, py: Python<'_>, change: impl FnOnce(&mut Engine) -> T + Send) -> T {
        py.detach(|| change(&mut self.0.write()))
    }

    /// Changes the engine if nobody else is at it; else `None`. The interpreter lock is kept.
    pub fn change_if_free<T>(&self, change: impl FnOnce(&mut Engine) -> Option<T>) -> Option<T> {
        change(&mut *self.0.try_write()?)
    }
}
