//! The block tree, fork choice, and the tree as text.

pub(crate) mod export;
pub(crate) mod fork_choice;
pub(crate) mod node;
pub(crate) mod tree;

pub use node::Node;
pub use tree::Tree;
