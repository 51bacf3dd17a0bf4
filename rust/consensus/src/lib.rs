//! The consensus rules of the network: what a block must be, what it is worth, and which tip is best.
//!
//! The rules were first written in Python and Python is their oracle, so this crate evaluates a block as `CPython`
//! would: its JSON, its numbers, its exceptions. The rooms, from the ground up; each uses only those before it:
//!
//! - [`error`], [`budget`]: why an evaluation stops;
//! - [`python`]: numbers, values, dicts, keys and sums as Python has them;
//! - [`json`]: reading and writing the bytes that decide consensus;
//! - [`block`]: one block, parsed once, with its schema, its domain check and its hash;
//! - [`chain`]: the block tree, fork choice, and the tree as text;
//! - [`rules`]: the nine rules, the work score and the subset sum;
//! - [`engine`]: the verdict, and what it does to the tree;
//! - [`batch`]: many blocks at once, by several threads;
//! - [`solver`]: the miner's solver, no rule.
//!
//! Nothing here knows Python the library, does I/O, or reads a clock. `docs/core.md` follows a block through it.

#![forbid(unsafe_code)]

pub mod batch;
pub mod block;
pub mod budget;
pub mod chain;
pub mod engine;
pub mod error;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(test)]
mod fixtures;
pub mod json;
pub mod python;
pub mod rules;
pub mod solver;

pub use block::Block;
pub use budget::Budget;
pub use engine::{Decision, Engine, Judgement};
pub use error::{EngineError, Exception, Halt};
pub use python::Value;
pub use rules::{Profile, Reason, Rules};
