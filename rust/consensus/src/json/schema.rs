//! Which keys of an object are read, so that the rest is only checked and stepped over.

use crate::python::dict::same_key;
use crate::python::value::Dict;

/// The keys that an object usually has, and what is kept of each. What lies under any other is checked and not kept; an
/// object that has only others keeps its first one with `null`, so that it stays truthy.
#[derive(Debug)]
pub struct Schema {
    keys: &'static [(&'static str, Part)],
    /// How many bytes all of them have.
    bytes: usize,
    /// Of how many something is kept.
    kept: usize,
    /// A bit for every length of a key.
    lengths: u64,
}

/// What is kept of the value under a key.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// All of it.
    Kept,
    /// Only that it is there: it is kept as `null`.
    Presence,
    /// Nothing, as under any key that is not listed. It is listed because it usually comes here.
    Unread,
    /// If it is an object, these keys of it; else all of it.
    Members(&'static Schema),
}

impl Part {
    /// Whether it is [`Part::Unread`].
    #[must_use]
    pub const fn is_unread(self) -> bool {
        matches!(self, Self::Unread)
    }
}

impl Schema {
    /// At most 64 keys, best in the order in which they usually come.
    #[must_use]
    pub const fn new(keys: &'static [(&'static str, Part)]) -> Self {
        let (mut lengths, mut bytes, mut kept) = (0, 0, 0);
        let mut left = keys;
        while let [(key, part), more @ ..] = left {
            lengths |= 1 << (key.len() % 64);
            bytes += key.len();
            kept += !part.is_unread() as usize;
            left = more;
        }
        Self { keys, bytes, kept, lengths }
    }

    /// Position of a key, and what is kept of its value.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<(usize, Part)> {
        if self.lengths & (1 << (key.len() % 64)) == 0 {
            return None;
        }
        let position = self.keys.iter().position(|(known, _)| known.as_bytes() == key)?;
        self.at(position).map(|(_, part)| (position, part))
    }

    /// The same with the key itself; `likely` is looked at first.
    #[must_use]
    #[inline]
    pub fn find_from(&self, key: &[u8], likely: usize) -> Option<(usize, &'static (&'static str, Part))> {
        match self.keys.get(likely) {
            Some(usual) if same_key(usual.0.as_bytes(), key) => Some((likely, usual)),
            _ => self.find(key).and_then(|(position, _)| Some((position, self.keys.get(position)?))),
        }
    }

    /// Number of keys.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // there is no use for an empty one
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Number of keys of which something is kept.
    #[must_use]
    pub const fn kept(&self) -> usize {
        self.kept
    }

    /// Bytes of all the keys together.
    #[must_use]
    pub const fn key_bytes(&self) -> usize {
        self.bytes
    }

    /// A dict with null under each key of which something is kept.
    #[must_use]
    pub fn blank(&self) -> Dict<'static> {
        Dict::blank(self.names(), self.kept)
    }

    /// The keys in their order, and what is kept of each.
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

    /// The keys of which something is kept.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|(_, part)| !matches!(part, Part::Unread)).map(|(name, _)| *name)
    }
}
