//! The block tree: small nodes under Python dict keys, and the best tip as a node of its own.
//!
//! The block itself is not kept. A key that is only named as a parent has a slot without a node, so every link is a
//! number of four bytes. The tip is a copy: a block sent again replaces the node in the tree, and the tip stays the
//! old one until it is beaten.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::node::{Node, Parent, Slot};
use crate::error::EngineError;
use crate::python::key::{Form, Key, Named};
use crate::python::value::Value;

/// Any value that is seldom anything but a small number.
#[derive(Debug, Clone)]
enum Small {
    Int(i64),
    Float(f64),
    Other(Box<Value<'static>>),
}

impl Small {
    fn new(value: Value<'static>) -> Self {
        match value {
            Value::Int(value) => Self::Int(value),
            Value::Float(value) => Self::Float(value),
            other => Self::Other(Box::new(other)),
        }
    }

    fn value(&self) -> Value<'static> {
        match self {
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Other(value) => (**value).clone(),
        }
    }
}

/// A key in its slot: a hash lies here, everything else apart.
#[derive(Debug, Clone)]
enum PackedKey {
    Hash([u8; 32]),
    Odd(u32),
}

#[derive(Debug, Clone)]
struct PackedNode {
    parent: Slot,
    form: Form,
    parent_form: Form,
    height: Small,
    cumulative: f64,
    received_at: f64,
    timestamp: Small,
    serial: u64,
}

/// All blocks that were ever accepted, and the best of them.
#[derive(Debug, Default)]
pub struct Tree {
    keys: Vec<PackedKey>,
    odd_keys: Vec<Key>,
    slots: HashTable<Slot>,
    hasher: RandomState,
    nodes: Vec<Option<PackedNode>>,
    /// Slots in the order their first node came, with the form of the key object stored first.
    order: Vec<(Slot, Form)>,
    tip: Option<Node>,
    serial: u64,
}

impl Tree {
    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The best tip.
    #[must_use]
    pub const fn tip(&self) -> Option<&Node> {
        self.tip.as_ref()
    }

    /// Makes a node the tip, whether or not it lies in the tree.
    pub fn set_tip(&mut self, tip: Node) {
        self.tip = Some(tip);
    }

    fn key(&self, slot: Slot) -> Option<Key> {
        match self.keys.get(index(slot))? {
            PackedKey::Hash(bytes) => Some(Key::Hash(*bytes)),
            PackedKey::Odd(position) => self.odd_keys.get(index(*position)).cloned(),
        }
    }

    fn slot(&self, key: &Key) -> Option<Slot> {
        let hash = self.hasher.hash_one(key);
        self.slots.find(hash, |slot| self.has_key(*slot, key)).copied()
    }

    fn has_key(&self, slot: Slot, key: &Key) -> bool {
        match (self.keys.get(index(slot)), key) {
            (Some(PackedKey::Hash(a)), Key::Hash(b)) => a == b,
            (Some(PackedKey::Odd(position)), key) => self.odd_keys.get(index(*position)) == Some(key),
            _ => false,
        }
    }

    fn slot_or_new(&mut self, key: &Key) -> Result<Slot, EngineError> {
        let hash = self.hasher.hash_one(key);
        if let Some(slot) = self.slots.find(hash, |slot| self.has_key(*slot, key)) {
            return Ok(*slot);
        }
        let full = |_| EngineError::Invalid("the tree is full: 2^32 keys".to_owned());
        let slot = Slot::try_from(self.keys.len()).map_err(full)?;
        let packed = match key {
            Key::Hash(bytes) => PackedKey::Hash(*bytes),
            odd => {
                self.odd_keys.push(odd.clone());
                PackedKey::Odd(Slot::try_from(self.odd_keys.len() - 1).map_err(full)?)
            }
        };
        grow_gently(&mut self.keys);
        grow_gently(&mut self.nodes);
        self.keys.push(packed);
        self.nodes.push(None);
        let Self { keys, odd_keys, hasher, slots, .. } = self;
        slots.insert_unique(hash, slot, |slot| hash_of_slot(keys, odd_keys, hasher, *slot));
        Ok(slot)
    }

    /// Node under a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Node> {
        let slot = self.slot(key)?;
        self.unpacked(slot)
    }

    fn unpacked(&self, slot: Slot) -> Option<Node> {
        let node = self.nodes.get(index(slot))?.as_ref()?;
        Some(Node {
            hash: Named { key: self.key(slot)?, form: node.form },
            parent: Named { key: self.key(node.parent)?, form: node.parent_form },
            height: node.height.value(),
            cumulative: node.cumulative,
            received_at: node.received_at,
            timestamp: node.timestamp.value(),
            serial: node.serial,
        })
    }

    /// What a child's verdict depends on, of the node under a key.
    #[must_use]
    pub fn parent(&self, key: &Key) -> Option<Parent> {
        let slot = self.slot(key)?;
        let node = self.nodes.get(index(slot))?.as_ref()?;
        let (height, timestamp) = (node.height.value(), node.timestamp.value());
        Some(Parent { slot, height, cumulative: node.cumulative, timestamp })
    }

    /// Puts a node under its own hash, over the one that lies there; returns it with its serial number.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if the tree is full.
    pub fn put(&mut self, node: Node) -> Result<Node, EngineError> {
        let serial = self.insert(&node, None)?;
        Ok(Node { serial, ..node })
    }

    /// As [`put`](Self::put) of a node that its caller keeps; returns the serial number. `parent` is where the
    /// node's parent is, if the caller has looked it up in this tree.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub(crate) fn insert(&mut self, node: &Node, parent: Option<Slot>) -> Result<u64, EngineError> {
        let (form, parent_form) = (node.hash.form, node.parent.form);
        let slot = self.slot_or_new(&node.hash.key)?;
        let parent = parent.map_or_else(|| self.slot_or_new(&node.parent.key), Ok)?;
        self.serial += 1;
        let packed = PackedNode {
            parent,
            form,
            parent_form,
            height: Small::new(node.height.clone()),
            cumulative: node.cumulative,
            received_at: node.received_at,
            timestamp: Small::new(node.timestamp.clone()),
            serial: self.serial,
        };
        if let Some(place) = self.nodes.get_mut(index(slot)) {
            if place.replace(packed).is_none() {
                grow_gently(&mut self.order);
                self.order.push((slot, form));
            }
        }
        Ok(self.serial)
    }

    /// Key objects in the order their first node came.
    pub fn keys(&self) -> impl Iterator<Item = Value<'static>> + '_ {
        self.order.iter().filter_map(|(slot, form)| self.key(*slot).map(|key| key.value(*form)))
    }

    /// Key objects with their nodes, in the order of [`keys`](Self::keys).
    pub fn entries(&self) -> impl Iterator<Item = (Value<'static>, Node)> + '_ {
        let entry = |(slot, form): &(Slot, Form)| Some((self.key(*slot)?.value(*form), self.unpacked(*slot)?));
        self.order.iter().filter_map(entry)
    }

    /// The node itself, its parent, and so on down to a root. A ring (a replaced node can close one) ends it.
    #[must_use]
    pub fn ancestors(&self, start: &Node) -> Vec<Node> {
        let mut line = vec![start.clone()];
        let mut seen = HashSet::from([start.serial]);
        let mut next = self.slot(&start.parent.key);
        while let Some((slot, node)) = next.and_then(|slot| Some((slot, self.nodes.get(index(slot))?.as_ref()?))) {
            if !seen.insert(node.serial) {
                break;
            }
            line.extend(self.unpacked(slot));
            next = Some(node.parent);
        }
        line
    }

    /// Bytes the tree holds, without what odd keys and odd numbers hold apart.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<PackedKey>()
            + self.nodes.capacity() * size_of::<Option<PackedNode>>()
            + self.order.capacity() * size_of::<(Slot, Form)>()
            + self.slots.allocation_size()
    }
}

fn hash_of_slot(keys: &[PackedKey], odd_keys: &[Key], hasher: &RandomState, slot: Slot) -> u64 {
    match keys.get(index(slot)) {
        Some(PackedKey::Hash(bytes)) => hasher.hash_one(Key::Hash(*bytes)),
        Some(PackedKey::Odd(position)) => odd_keys.get(index(*position)).map_or(0, |key| hasher.hash_one(key)),
        None => 0,
    }
}

/// Makes room by an eighth where doubling would leave half of the memory unused.
fn grow_gently<T>(items: &mut Vec<T>) {
    if items.len() == items.capacity() {
        items.reserve_exact(items.len() / 8 + 64);
    }
}

const fn index(slot: u32) -> usize {
    slot as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(value: &Value<'_>) -> Named {
        Named::of(value).unwrap_or(Named { key: Key::Null, form: Form::Only })
    }

    fn node(hash: Value<'static>, parent: Value<'static>) -> Node {
        Node {
            hash: named(&hash),
            parent: named(&parent),
            height: Value::Int(0),
            cumulative: 1.0,
            received_at: 0.0,
            timestamp: Value::Float(0.0),
            serial: 0,
        }
    }

    fn keys(tree: &Tree) -> Vec<String> {
        tree.keys().map(|key| format!("{key:?}")).collect()
    }

    #[test]
    fn a_dict_keeps_the_key_object_first_stored() {
        let mut tree = Tree::default();
        assert!(tree.put(node(Value::Int(1), Value::Null)).is_ok());
        assert!(tree.put(node(Value::Bool(true), Value::Null)).is_ok());
        assert_eq!((tree.len(), keys(&tree)), (1, vec!["Int(1)".to_owned()]));
        let stored = tree.get(&Key::Int(1)).map(|node| format!("{:?}", node.hash.value()));
        assert_eq!(stored.as_deref(), Some("Bool(true)"));
    }

    #[test]
    fn a_parent_that_is_only_named_is_no_node() {
        let mut tree = Tree::default();
        assert!(tree.put(node(Value::text("b"), Value::text("a"))).is_ok());
        assert_eq!(tree.len(), 1);
        assert!(tree.get(&Key::Text(Box::from(*b"a"))).is_none());
    }

    #[test]
    fn a_ring_of_parents_ends() {
        let mut tree = Tree::default();
        let a = tree.put(node(Value::text("a"), Value::text("b")));
        assert!(tree.put(node(Value::text("b"), Value::text("a"))).is_ok());
        assert_eq!(a.map(|a| tree.ancestors(&a).len()), Ok(2));
    }

    #[test]
    fn a_block_takes_less_than_200_bytes() {
        let mut tree = Tree::default();
        assert!(tree.is_empty());
        for number in 0..100_000_u32 {
            let hash = |number: u32| Value::Str(std::borrow::Cow::Owned(format!("{number:064x}").into_bytes()));
            assert!(tree.put(node(hash(number + 1), hash(number))).is_ok());
        }
        assert!(!tree.is_empty());
        assert_eq!(tree.bytes() / tree.len(), 116); // what the README says of it rests on this
    }
}
