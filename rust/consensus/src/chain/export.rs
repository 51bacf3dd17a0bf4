//! A tree as text: JSON of our own writing, so every odd key, height and time comes back as it was.

use std::borrow::Cow;

use super::node::Node;
use super::tree::Tree;
use crate::error::EngineError;
use crate::json::limits::MAX_LEVELS;
use crate::json::parser::parse;
use crate::json::writer::{write_float, write_ordered};
use crate::python::key::Named;
use crate::python::value::Value;

/// Version of the format.
const FORMAT: i64 = 1;

/// Levels that the format puts around a value of a block.
const WRAPPING_LEVELS: usize = 4;

/// Writes a tree: `{"format": 1, "nodes": [[key, <node>]...], "tip": <node>}` with a node as
/// `[hash, parent, height, cumulative, received_at, timestamp]`.
pub fn export(tree: &Tree) -> Vec<u8> {
    let mut out = format!("{{\"format\": {FORMAT}, \"nodes\": [").into_bytes();
    for (position, (key, node)) in tree.entries().enumerate() {
        out.extend_from_slice(if position > 0 { b",\n[" } else { b"\n[" });
        write_ordered(&key, &mut out);
        out.extend_from_slice(b", ");
        write_node(&node, &mut out);
        out.push(b']');
    }
    out.extend_from_slice(b"\n], \"tip\": ");
    match tree.tip() {
        Some(tip) => write_tip(tree, tip, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    out
}

impl Node {
    /// Whether two nodes agree in all that an export tells of them, floats to the bit.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        self.to_text() == other.to_text()
    }

    /// The node as an export has it.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_node(self, &mut out);
        out
    }
}

fn write_node(node: &Node, out: &mut Vec<u8>) {
    out.push(b'[');
    for value in [&node.hash.value(), &node.parent.value(), &node.height] {
        write_ordered(value, out);
        out.extend_from_slice(b", ");
    }
    write_float(node.cumulative, out);
    out.extend_from_slice(b", ");
    write_float(node.received_at, out);
    out.extend_from_slice(b", ");
    write_ordered(&node.timestamp, out);
    out.push(b']');
}

/// The tip with whether it is the node that lies in the tree, which is more than looking like it.
fn write_tip(tree: &Tree, tip: &Node, out: &mut Vec<u8>) {
    let in_tree = tree.get(&tip.hash.key).is_some_and(|node| node.serial == tip.serial);
    out.extend_from_slice(if in_tree { b"[true, " } else { b"[false, " });
    write_node(tip, out);
    out.push(b']');
}

/// Reads a tree.
///
/// # Errors
/// [`EngineError::Invalid`] with what is wrong.
pub fn import(data: &[u8]) -> Result<Tree, EngineError> {
    let invalid = |what: &str| EngineError::Invalid(format!("not an export of a tree: {what}"));
    let value = parse(data, MAX_LEVELS + WRAPPING_LEVELS).map_err(|error| invalid(&error.to_string()))?;
    let Value::Dict(dict) = value else { return Err(invalid("expecting an object")) };
    match dict.get(b"format") {
        Some(Value::Int(FORMAT)) => {}
        _ => return Err(invalid("\"format\" is not 1; export it with this version")),
    }
    let (Some(Value::List(entries)), Some(Value::List(tip))) = (dict.get(b"nodes"), dict.get(b"tip")) else {
        return Err(invalid("\"nodes\" or \"tip\" is missing"));
    };
    let mut tree = Tree::default();
    for entry in entries {
        let node = match entry {
            Value::List(pair) => put_entry(&mut tree, pair)?,
            _ => None,
        };
        node.ok_or_else(|| invalid("an entry of \"nodes\" is no node"))?;
    }
    let (in_tree, tip) = match tip.as_slice() {
        [Value::Bool(in_tree), tip] => (*in_tree, read_node(tip).ok_or_else(|| invalid("\"tip\" is no node"))?),
        _ => return Err(invalid("\"tip\" is no node")),
    };
    tree.set_tip(match tree.get(&tip.hash.key) {
        Some(stored) if in_tree => stored,
        _ => tip,
    });
    Ok(tree)
}

/// Puts a node under its key. The key object first stored may be of another form than the node's own hash.
fn put_entry(tree: &mut Tree, pair: &[Value<'_>]) -> Result<Option<Node>, EngineError> {
    let [key, node] = pair else { return Ok(None) };
    let Some(node) = read_node(node) else { return Ok(None) };
    let Some(key) = Named::of(key).ok().filter(|key| key.key == node.hash.key) else { return Ok(None) };
    tree.put(Node { hash: key, ..node.clone() })?;
    tree.put(node).map(Some)
}

fn read_node(value: &Value<'_>) -> Option<Node> {
    let Value::List(items) = value else { return None };
    let [hash, parent, height, cumulative, received_at, timestamp] = items.as_slice() else { return None };
    let (Value::Float(cumulative), Value::Float(received_at)) = (cumulative, received_at) else { return None };
    let owned = |value: &Value<'_>| Cow::Borrowed(value).into_owned().into_owned();
    height.as_num()?;
    Some(Node {
        hash: Named::of(hash).ok()?,
        parent: Named::of(parent).ok()?,
        height: owned(height),
        cumulative: *cumulative,
        received_at: *received_at,
        timestamp: owned(timestamp),
        serial: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::key::{Form, Key};

    fn node(hash: Value<'static>, height: Value<'static>, cumulative: f64) -> Node {
        let timestamp = Value::List(vec![Value::Float(f64::NAN), Value::text("x")]);
        let named = |value: &Value<'_>| Named::of(value).unwrap_or(Named { key: Key::Null, form: Form::Only });
        Node {
            hash: named(&hash),
            parent: named(&Value::Null),
            height,
            cumulative,
            received_at: 0.1,
            timestamp,
            serial: 0,
        }
    }

    #[test]
    fn a_tree_comes_back_as_it_was() {
        let mut tree = Tree::default();
        let odd = [
            node(Value::Int(1), Value::Bool(false), 5e-324),
            node(Value::Bool(true), Value::Float(-0.0), f64::INFINITY),
            node(Value::Float(f64::NAN), Value::Float(f64::NAN), f64::NAN),
            node(Value::Null, Value::Int(3), 0.1),
        ];
        for node in odd {
            assert!(tree.put(node).is_ok());
        }
        tree.set_tip(node(Value::Float(1.0), Value::Int(-7), 9.5));
        let text = export(&tree);
        let back = import(&text);
        assert_eq!(back.map(|tree| String::from_utf8(export(&tree))), Ok(String::from_utf8(text)));
    }

    #[test]
    fn what_is_no_export_is_refused_with_the_place() {
        for text in ["", "[]", "{}", "{\"format\": 2}", "{\"format\": 1, \"nodes\": [[1, 2]], \"tip\": [true, []]}"] {
            assert!(matches!(import(text.as_bytes()), Err(EngineError::Invalid(_))), "{text}");
        }
    }
}
