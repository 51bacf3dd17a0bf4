//! Where reading a JSON text ends.

/// `CPython` refuses to convert a longer literal to an `int`.
pub const MAX_INT_DIGITS: usize = 4300;

/// Levels of lists and objects in the parity domain; the outermost is the first.
pub const MAX_LEVELS: usize = 64;

/// Levels of a text that is read. `CPython`'s own limit (about 990 in 3.11, less the frames of its caller; more from
/// 3.12 on) is no fixed number, so the domain ends safely below it.
pub const MAX_TEXT_LEVELS: usize = 512;
