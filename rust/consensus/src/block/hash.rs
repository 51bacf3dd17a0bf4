//! The hash of a block.

use sha2::{Digest, Sha256};

use super::schema::{Fields, HASHED};
use super::tier::tier_bounds;
use crate::error::Exception;
use crate::json::writer::write_sorted;
use crate::python::value::{Dict, Value};

impl Fields<'_, '_> {
    /// SHA-256 of the canonical JSON of the hashed ones.
    pub(super) fn hash(&self) -> Result<[u8; 32], Exception> {
        let Self { index, timestamp, previous_hash, merkle_root, problem, solution, .. } = *self;
        let (capacity, cumulative) = (self.mining_capacity, self.cumulative_work_score);
        let values = [cumulative, index, merkle_root, capacity, previous_hash, problem, solution, timestamp];
        hash_of_values(capacity, values)
    }
}

/// SHA-256 of the canonical JSON of the hashed fields of a block.
///
/// # Errors
/// [`Exception::Key`] if one is missing, [`Exception::Value`] if the mining capacity is no tier.
pub fn header_hash(block: &Dict<'_>) -> Result<[u8; 32], Exception> {
    let mut values = [&Value::Null; HASHED.len()];
    for (value, (key, _)) in values.iter_mut().zip(HASHED) {
        *value = block.read(key)?;
    }
    hash_of_values(block.read("mining_capacity")?, values)
}

/// The same of fields that have been found; `values` are those of [`HASHED`].
fn hash_of_values(capacity: &Value<'_>, values: [&Value<'_>; HASHED.len()]) -> Result<[u8; 32], Exception> {
    tier_bounds(capacity).ok_or(Exception::Value)?;
    let mut text = Vec::with_capacity(1024);
    for (value, (_, before)) in values.into_iter().zip(HASHED) {
        text.extend_from_slice(before.as_bytes());
        write_sorted(value, &mut text);
    }
    text.push(b'}');
    Ok(Sha256::digest(&text).into())
}

/// SHA-256 of bytes.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}
