//! The consensus rules of the network: what a block must be, what it is worth, and which tip is best.
//!
//! The rules were first written in Python and Python is their oracle, so this crate evaluates a block as `CPython`
//! would: its JSON, its numbers, its exceptions. The layers, from the bottom:
//!
//! - [`number`], [`value`]: Python's numbers and JSON values with Python's equality, order and truth;
//! - [`json`], [`double`], [`text`]: reading and writing the bytes that decide consensus;
//! - [`work`], [`proof`]: the work score and the subset sum;
//! - [`block`]: one block, parsed once, with its domain check and its hash;
//! - `content`: what is left of a block when its text is gone, and the rules that need no tree;
//! - [`tree`], [`engine`]: the block tree, fork choice, and the verdict;
//! - [`batch`]: many blocks at once, by several threads;
//! - [`solver`]: the miner's solver, no rule.
//!
//! Nothing here knows Python the library, does I/O, or reads a clock.

#![forbid(unsafe_code)]

pub mod batch;
pub mod block;
pub mod budget;
mod bytes;
mod content;
mod dict;
pub mod double;
pub mod engine;
pub mod error;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(test)]
mod fixtures;
pub mod json;
pub mod key;
pub mod number;
mod operations;
mod parts;
pub mod proof;
mod scan;
pub mod solver;
pub mod text;
mod transfer;
pub mod tree;
mod unicode;
mod usual;
pub mod value;
mod verdict;
pub mod wanted;
pub mod work;
pub mod wrong;

pub use block::Block;
pub use budget::Budget;
pub use engine::{Decision, Engine, Judgement, Profile, Reason, Rules};
pub use error::{EngineError, Exception, Halt};
pub use value::Value;
