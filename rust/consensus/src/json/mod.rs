//! Reading and writing JSON exactly as `CPython` does: the bytes that decide consensus.

pub(crate) mod bytes;
pub(crate) mod lexer;
pub(crate) mod limits;
pub(crate) mod parser;
pub(crate) mod schema;
pub(crate) mod writer;

pub use lexer::JsonError;
pub use limits::{MAX_INT_DIGITS, MAX_LEVELS};
pub use parser::parse;
pub use schema::{Part, Schema};
pub use writer::{write_ordered, write_sorted};
