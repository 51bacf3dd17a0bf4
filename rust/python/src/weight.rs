//! Bounds of what `json.dumps` writes: where they are enough nothing has to be written to be weighed.

/// The most that `json.dumps` writes for one code point: a pair of surrogates.
pub const BYTES_PER_CODE_POINT: usize = 12;

/// The same for one byte of UTF-8.
pub const BYTES_PER_BYTE: usize = 6;

/// The most that it writes for an integer of 64 bits, a double, or a constant.
pub const BYTES_PER_SCALAR: usize = 26;

/// What it writes around each member of a list or an object.
pub const BYTES_PER_MEMBER: usize = 4;

/// At least so many bytes are written of what has this upper bound.
pub const fn at_least(upper_bound: usize) -> usize {
    upper_bound / BYTES_PER_CODE_POINT
}
