//! The hardware tiers.

use crate::python::value::Value;

/// Bounds of the problem size of a tier.
#[must_use]
pub fn tier_bounds(mining_capacity: &Value<'_>) -> Option<(i64, i64)> {
    let Value::Str(name) = mining_capacity else { return None };
    match name.as_ref() {
        b"mobile" => Some((8, 12)),
        b"desktop" => Some((12, 16)),
        b"workstation" => Some((16, 20)),
        b"server" => Some((20, 24)),
        b"cluster" => Some((24, 32)),
        _ => None,
    }
}
