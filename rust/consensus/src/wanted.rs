//! Which keys of an object are read, so that the rest is only checked and stepped over.

use crate::dict::Dict;

/// The keys of an object that are wanted. What lies under any other is checked and not kept; an object that has only
/// others keeps its first one with `null`, so that it stays truthy.
#[derive(Debug)]
pub struct Wanted {
    keys: &'static [(&'static str, Part)],
    /// How many bytes all of them have.
    bytes: usize,
    /// Of how many something is wanted.
    wanted: usize,
    /// A bit for every length of a key.
    lengths: u64,
}

/// What of the value under a wanted key is wanted.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// All of it.
    Whole,
    /// Only that it is there: it is kept as `null`.
    Presence,
    /// Nothing, as under any key that is not listed. It is listed because it usually comes here.
    Nothing,
    /// If it is an object, these keys of it; else all of it.
    Inside(&'static Wanted),
}

/// Whether two keys are the same. Most have 4 to 32 bytes: two comparisons of fixed length then, of parts that may
/// overlap, take less time than the call of a general one.
#[must_use]
#[inline]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        length if length != b.len() => false,
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        8..16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        16..=32 => a.first_chunk::<16>() == b.first_chunk() && a.last_chunk::<16>() == b.last_chunk(),
        _ => a == b,
    }
}

impl Part {
    /// Whether it is [`Part::Nothing`].
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl Wanted {
    /// At most 64 keys, best in the order in which they usually come.
    #[must_use]
    pub const fn new(keys: &'static [(&'static str, Part)]) -> Self {
        let (mut lengths, mut bytes, mut wanted) = (0, 0, 0);
        let mut left = keys;
        while let [(key, part), more @ ..] = left {
            lengths |= 1 << (key.len() % 64);
            bytes += key.len();
            wanted += !part.is_nothing() as usize;
            left = more;
        }
        Self { keys, bytes, wanted, lengths }
    }

    /// Position of a key, and what of its value is wanted.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<(usize, Part)> {
        if self.lengths & (1 << (key.len() % 64)) == 0 {
            return None;
        }
        let position = self.keys.iter().position(|(wanted, _)| wanted.as_bytes() == key)?;
        self.at(position).map(|(_, part)| (position, part))
    }

    /// The same with the key itself; `likely` is looked at first.
    #[must_use]
    #[inline]
    pub fn find_from(&self, key: &[u8], likely: usize) -> Option<(usize, &'static (&'static str, Part))> {
        match self.keys.get(likely) {
            Some(usual) if same(usual.0.as_bytes(), key) => Some((likely, usual)),
            _ => self.find(key).and_then(|(position, _)| Some((position, self.keys.get(position)?))),
        }
    }

    /// Number of keys.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // there is no use for an empty one
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Bytes of all the keys together.
    #[must_use]
    pub const fn key_bytes(&self) -> usize {
        self.bytes
    }

    /// A dict with null under each key of which something is wanted.
    #[must_use]
    pub fn blank(&self) -> Dict<'static> {
        Dict::blank(self.names(), self.wanted)
    }

    /// The keys in their order, and what of each is wanted.
    #[inline]
    pub fn keys(&self) -> impl Iterator<Item = &'static (&'static str, Part)> {
        self.keys.iter()
    }

    /// The key at a position.
    #[must_use]
    #[inline]
    pub fn at(&self, position: usize) -> Option<(&'static str, Part)> {
        self.keys.get(position).copied()
    }

    /// The keys of which something is wanted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|(_, part)| !matches!(part, Part::Nothing)).map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_only_in_all_their_bytes() {
        for length in 0..70_u8 {
            let key: Vec<u8> = (0..length).collect();
            assert!(same(&key, &key.clone()));
            assert!(!same(&key, &[key.as_slice(), b"x"].concat()));
            for at in 0..usize::from(length) {
                let mut other = key.clone();
                if let Some(byte) = other.get_mut(at) {
                    *byte ^= 0x80;
                }
                assert!(!same(&key, &other), "byte {at} of {length}");
            }
        }
    }
}
