//! Numbers, values, dicts, keys and sums as Python has them.
//!
//! What `json.loads` gives, with Python's equality, order, truth, arithmetic and exceptions.

pub(crate) mod dict;
pub(crate) mod double;
pub(crate) mod key;
pub(crate) mod number;
pub(crate) mod power;
pub(crate) mod sum;
pub(crate) mod text;
pub(crate) mod unicode;
pub(crate) mod value;

pub use dict::same_key;
pub use double::read as read_double;
pub use key::{hex, hex_digits, Key, Named};
pub use number::Num;
pub use text::Text;
pub use value::{Dict, Value};
