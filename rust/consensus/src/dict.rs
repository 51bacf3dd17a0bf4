//! Python's `dict` with text keys, as `json.loads` makes it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::Exception;
use crate::value::{Text, Value};
use crate::wanted::same;

/// A `dict` with text keys, in insertion order.
#[derive(Debug, Clone, Default)]
pub struct Dict<'a> {
    entries: Vec<(Text<'a>, Value<'a>)>,
}

/// The place of a key in a dict: the key, and the value that is there so far.
pub type Place<'d, 'a> = (&'d Text<'a>, &'d mut Value<'a>);

#[inline]
fn place_in<'d, 'a>(entries: &'d mut Vec<(Text<'a>, Value<'a>)>, key: Text<'a>, new: bool) -> Place<'d, 'a> {
    let known = if new { None } else { entries.iter().position(|(known, _)| *known == key) };
    let position = known.unwrap_or(entries.len());
    if known.is_none() {
        // Made where it stays: an entry that is made elsewhere and then moved has to be waited for.
        entries.resize_with(position + 1, || (Cow::Borrowed(&[]), Value::Null));
    }
    #[allow(clippy::indexing_slicing)] // it was found or put there
    let (place, value) = &mut entries[position];
    if known.is_none() {
        *place = key;
    }
    (place, value)
}

/// Up to this many entries a scan is faster than hashing.
const SCANNED: usize = 16;

impl<'a> Dict<'a> {
    /// Builds a dict as Python does: of a key given twice the last value stands, at the first one's position.
    #[must_use]
    pub fn from_pairs(pairs: Vec<(Text<'a>, Value<'a>)>) -> Self {
        if pairs.len() > SCANNED {
            return Self { entries: without_duplicates(pairs) };
        }
        let mut entries: Vec<(Text<'a>, Value<'a>)> = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            }
        }
        Self { entries }
    }

    /// A dict of entries whose keys are all different.
    #[must_use]
    #[inline]
    pub fn of_distinct<const N: usize>(entries: [(Text<'a>, Value<'a>); N]) -> Self {
        Self { entries: Vec::from(entries) }
    }

    /// An empty dict with room for so many keys.
    #[must_use]
    pub fn with_capacity(keys: usize) -> Self {
        Self { entries: Vec::with_capacity(keys) }
    }

    /// A dict with null under each of these keys, `count` ones that are all different.
    #[must_use]
    pub fn blank(keys: impl Iterator<Item = &'a str>, count: usize) -> Self {
        let mut entries = Vec::with_capacity(count);
        entries.resize_with(count, || (Cow::Borrowed::<[u8]>(&[]), Value::Null));
        for ((place, _), key) in entries.iter_mut().zip(keys) {
            *place = Cow::Borrowed(key.as_bytes());
        }
        Self { entries }
    }

    /// Its values, to be written.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value<'a>> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// Puts a value under a key, as `dict[key] = value`. Meant for a few keys: it looks at all of them.
    pub fn insert(&mut self, key: Text<'a>, value: Value<'a>) {
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key, value)),
        }
    }

    /// The place of a key, whose value is to be written there. `new` if the caller knows that the key is not there
    /// yet; else it is looked for.
    #[inline]
    pub fn place(&mut self, key: Text<'a>, new: bool) -> Place<'_, 'a> {
        place_in(&mut self.entries, key, new)
    }

    /// Value under `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Value<'a>> {
        self.entries.iter().find(|(known, _)| known.as_ref() == key).map(|(_, value)| value)
    }

    /// Where in the order of insertion a key is. `likely` is looked at first.
    #[must_use]
    pub fn position(&self, key: &[u8], likely: usize) -> Option<usize> {
        if self.entries.get(likely).is_some_and(|(known, _)| same(known, key)) {
            return Some(likely);
        }
        self.entries.iter().position(|(known, _)| known.as_ref() == key)
    }

    /// Value at a place in the order of insertion.
    #[must_use]
    pub fn value_at(&self, position: usize) -> Option<&Value<'a>> {
        self.entries.get(position).map(|(_, value)| value)
    }

    /// Value under `key`, as `dict[key]`.
    ///
    /// # Errors
    /// [`Exception::Key`] if it is missing.
    pub fn read(&self, key: &str) -> Result<&Value<'a>, Exception> {
        self.get(key.as_bytes()).ok_or(Exception::Key)
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and values in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (&Text<'a>, &Value<'a>)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Keys and values ordered by the keys' code points.
    #[must_use]
    pub fn sorted(&self) -> Vec<&(Text<'a>, Value<'a>)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        entries
    }

    /// The same dict, owning all of its text.
    #[must_use]
    pub fn into_owned(self) -> Dict<'static> {
        let owned = |(key, value): (Text<'a>, Value<'a>)| (Cow::Owned(key.into_owned()), value.into_owned());
        Dict { entries: self.entries.into_iter().map(owned).collect() }
    }

    /// Whether Python's `==` takes the two for equal, member by member as [`Value::same`].
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        if self.len() <= SCANNED {
            return self.iter().all(|(key, value)| other.get(key).is_some_and(|found| value.same(found)));
        }
        let others: HashMap<&[u8], &Value<'a>> = other.iter().map(|(key, value)| (key.as_ref(), value)).collect();
        self.iter().all(|(key, value)| others.get(key.as_ref()).is_some_and(|found| value.same(found)))
    }
}

/// A dict that is being read: few keys are compared with one another as they come, many at the end.
#[derive(Default)]
pub struct Growing<'a> {
    entries: Vec<(Text<'a>, Value<'a>)>,
}

impl<'a> Growing<'a> {
    /// The place of the next key, whose value is to be written there.
    #[inline]
    pub fn place(&mut self, key: Text<'a>) -> Place<'_, 'a> {
        let many = self.entries.len() >= SCANNED;
        place_in(&mut self.entries, key, many)
    }

    /// The dict that Python makes of what was added.
    pub fn finished(self) -> Dict<'a> {
        if self.entries.len() <= SCANNED {
            return Dict { entries: self.entries };
        }
        Dict { entries: without_duplicates(self.entries) }
    }
}

fn without_duplicates<'a>(pairs: Vec<(Text<'a>, Value<'a>)>) -> Vec<(Text<'a>, Value<'a>)> {
    let mut positions: HashMap<Text<'a>, usize> = HashMap::with_capacity(pairs.len());
    let mut entries: Vec<(Text<'a>, Value<'a>)> = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let position = *positions.entry(key.clone()).or_insert(entries.len());
        match entries.get_mut(position) {
            Some(entry) => entry.1 = value,
            None => entries.push((key, value)),
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Num;

    #[test]
    fn of_a_duplicate_key_the_last_value_stands_at_the_first_position() {
        for filler in [0_i64, 40] {
            let mut pairs: Vec<(Text<'static>, Value<'static>)> =
                (0..filler).map(|n| (Cow::Owned(n.to_string().into_bytes()), Value::Int(n))).collect();
            pairs.insert(0, (Cow::Borrowed(b"x"), Value::Int(1)));
            pairs.push((Cow::Borrowed(b"x"), Value::Int(2)));
            let dict = Dict::from_pairs(pairs);
            let first = dict.iter().next().map(|(key, value)| (key.to_vec(), value.as_num()));
            assert!(matches!(first, Some((key, Some(Num::Int(2)))) if key == b"x"));
        }
    }
}
