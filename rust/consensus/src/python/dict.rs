//! Python's `dict` with text keys, as `json.loads` makes it, whatever its values are.

use std::borrow::Cow;
use std::collections::HashMap;

use super::text::Text;

/// A `dict` with text keys, in insertion order.
#[derive(Debug, Clone)]
pub struct Map<'a, V> {
    entries: Vec<(Text<'a>, V)>,
}

impl<V> Default for Map<'_, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

/// The place of a key in a dict: the key, and the value that is there so far.
pub type Place<'d, 'a, V> = (&'d Text<'a>, &'d mut V);

#[inline]
fn place_in<'d, 'a, V: Default>(entries: &'d mut Vec<(Text<'a>, V)>, key: Text<'a>, new: bool) -> Place<'d, 'a, V> {
    let known = if new { None } else { entries.iter().position(|(known, _)| *known == key) };
    let position = known.unwrap_or(entries.len());
    if known.is_none() {
        // Made where it stays: an entry that is made elsewhere and then moved has to be waited for.
        entries.resize_with(position + 1, || (Cow::Borrowed(&[]), V::default()));
    }
    #[allow(clippy::indexing_slicing)] // it was found or put there
    let (place, value) = &mut entries[position];
    if known.is_none() {
        *place = key;
    }
    (place, value)
}

/// Whether two keys are the same. Most have 4 to 32 bytes: two comparisons of fixed length then, of parts that may
/// overlap, take less time than the call of a general one.
#[must_use]
#[inline]
pub fn same_key(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        length if length != b.len() => false,
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        8..16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        16..=32 => a.first_chunk::<16>() == b.first_chunk() && a.last_chunk::<16>() == b.last_chunk(),
        _ => a == b,
    }
}

/// Up to this many entries a scan is faster than hashing.
const SCANNED: usize = 16;

impl<'a, V: Default> Map<'a, V> {
    /// Builds a dict as Python does: of a key given twice the last value stands, at the first one's position.
    #[must_use]
    pub fn from_pairs(pairs: Vec<(Text<'a>, V)>) -> Self {
        if pairs.len() > SCANNED {
            return Self { entries: without_duplicates(pairs) };
        }
        let mut entries: Vec<(Text<'a>, V)> = Vec::with_capacity(pairs.len());
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
    pub fn of_distinct<const N: usize>(entries: [(Text<'a>, V); N]) -> Self {
        Self { entries: Vec::from(entries) }
    }

    /// The same of any number of them.
    #[must_use]
    pub const fn from_distinct(entries: Vec<(Text<'a>, V)>) -> Self {
        Self { entries }
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
        entries.resize_with(count, || (Cow::Borrowed::<[u8]>(&[]), V::default()));
        for ((place, _), key) in entries.iter_mut().zip(keys) {
            *place = Cow::Borrowed(key.as_bytes());
        }
        Self { entries }
    }

    /// Its values, to be written.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> + use<'_, 'a, V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// Puts a value under a key, as `dict[key] = value`. Meant for a few keys: it looks at all of them.
    pub fn insert(&mut self, key: Text<'a>, value: V) {
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key, value)),
        }
    }

    /// The place of a key, whose value is to be written there. `new` if the caller knows that the key is not there
    /// yet; else it is looked for.
    #[inline]
    pub fn place(&mut self, key: Text<'a>, new: bool) -> Place<'_, 'a, V> {
        place_in(&mut self.entries, key, new)
    }

    /// Value under `key`.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        self.entries.iter().find(|(known, _)| known.as_ref() == key).map(|(_, value)| value)
    }

    /// Where in the order of insertion a key is. `likely` is looked at first.
    #[must_use]
    pub fn position(&self, key: &[u8], likely: usize) -> Option<usize> {
        if self.entries.get(likely).is_some_and(|(known, _)| same_key(known, key)) {
            return Some(likely);
        }
        self.entries.iter().position(|(known, _)| known.as_ref() == key)
    }

    /// Value at a place in the order of insertion.
    #[must_use]
    pub fn value_at(&self, position: usize) -> Option<&V> {
        self.entries.get(position).map(|(_, value)| value)
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
    pub fn iter(&self) -> impl Iterator<Item = (&Text<'a>, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The same keys with other values, owning all of their text.
    #[must_use]
    pub fn into_owned_with<W>(self, value: impl Fn(V) -> W) -> Map<'static, W> {
        let owned = |(key, old): (Text<'a>, V)| (Cow::Owned(key.into_owned()), value(old));
        Map { entries: self.entries.into_iter().map(owned).collect() }
    }

    /// Whether two dicts have the same keys, and under each the same value, in any order.
    #[must_use]
    pub fn same_by(&self, other: &Self, same: impl Fn(&V, &V) -> bool) -> bool {
        if self.len() != other.len() {
            return false;
        }
        if self.len() <= SCANNED {
            return self.iter().all(|(key, value)| other.get(key).is_some_and(|found| same(value, found)));
        }
        let others: HashMap<&[u8], &V> = other.iter().map(|(key, value)| (key.as_ref(), value)).collect();
        self.iter().all(|(key, value)| others.get(key.as_ref()).is_some_and(|found| same(value, found)))
    }

    /// Keys and values ordered by the keys' code points.
    #[must_use]
    pub fn sorted(&self) -> Vec<&(Text<'a>, V)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        entries
    }
}

/// A dict that is being read: few keys are compared with one another as they come, many at the end.
#[derive(Default)]
pub struct Growing<'a, V> {
    entries: Vec<(Text<'a>, V)>,
}

impl<'a, V: Default> Growing<'a, V> {
    /// The place of the next key, whose value is to be written there.
    #[inline]
    pub fn place(&mut self, key: Text<'a>) -> Place<'_, 'a, V> {
        let many = self.entries.len() >= SCANNED;
        place_in(&mut self.entries, key, many)
    }

    /// The dict that Python makes of what was added.
    pub fn finished(self) -> Map<'a, V> {
        if self.entries.len() <= SCANNED {
            return Map { entries: self.entries };
        }
        Map { entries: without_duplicates(self.entries) }
    }
}

fn without_duplicates<'a, V>(pairs: Vec<(Text<'a>, V)>) -> Vec<(Text<'a>, V)> {
    let mut positions: HashMap<Text<'a>, usize> = HashMap::with_capacity(pairs.len());
    let mut entries: Vec<(Text<'a>, V)> = Vec::with_capacity(pairs.len());
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

    #[test]
    fn of_a_duplicate_key_the_last_value_stands_at_the_first_position() {
        for filler in [0_i64, 40] {
            let mut pairs: Vec<(Text<'static>, i64)> =
                (0..filler).map(|n| (Cow::Owned(n.to_string().into_bytes()), n)).collect();
            pairs.insert(0, (Cow::Borrowed(b"x"), 1));
            pairs.push((Cow::Borrowed(b"x"), 2));
            let dict = Map::from_pairs(pairs);
            let first = dict.iter().next().map(|(key, value)| (key.to_vec(), *value));
            assert_eq!(first, Some((b"x".to_vec(), 2)));
        }
    }

    #[test]
    fn keys_are_the_same_only_in_all_their_bytes() {
        for length in 0..70_u8 {
            let key: Vec<u8> = (0..length).collect();
            assert!(same_key(&key, &key.clone()));
            assert!(!same_key(&key, &[key.as_slice(), b"x"].concat()));
            for at in 0..usize::from(length) {
                let mut other = key.clone();
                if let Some(byte) = other.get_mut(at) {
                    *byte ^= 0x80;
                }
                assert!(!same_key(&key, &other), "byte {at} of {length}");
            }
        }
    }
}
