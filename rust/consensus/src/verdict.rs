//! What is said of a block: the verdict, and what applying it does.

use crate::error::Exception;
use crate::key::Named;
use crate::tree::Node;
use crate::value::Value;
use crate::wrong::{self, Wrong};

/// Why a block is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A required field is missing or evaluating a rule raised an exception.
    Malformed,
    /// Rule 1.
    UnknownParent,
    /// Rule 2.
    BadHeight,
    /// Rule 3.
    BadTimestamp,
    /// Rule 4.
    MissingProof,
    /// Rule 5.
    BadMerkleRoot,
    /// Rule 6, first half.
    MissingComplexity,
    /// Rule 6, second half.
    NoWork,
    /// Rule 7.
    BadBlockHash,
    /// Rule 8.
    BadProof,
    /// Rule 9.
    BadTierSize,
}

impl Reason {
    /// The reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownParent => "unknown_parent",
            Self::BadHeight => "bad_height",
            Self::BadTimestamp => "bad_timestamp",
            Self::MissingProof => "missing_proof",
            Self::BadMerkleRoot => "bad_merkle_root",
            Self::MissingComplexity => "missing_complexity",
            Self::NoWork => "no_work",
            Self::BadBlockHash => "bad_block_hash",
            Self::BadProof => "bad_proof",
            Self::BadTierSize => "bad_tier_size",
        }
    }
}

/// How many of the rules are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Rules 1 to 6.
    Header,
    /// Rules 1 to 9.
    Full,
}

impl Profile {
    /// The profile of a name in settings and calls.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "header" => Some(Self::Header),
            "full" => Some(Self::Full),
            _ => None,
        }
    }
}

/// The hash that a block claims, whatever it is.
#[derive(Debug, Clone)]
pub enum Claim {
    /// The block has none.
    Missing,
    /// What can be a key of the tree.
    Key(Named),
    /// A list or a dict.
    Other(Value<'static>),
}

impl Claim {
    pub(crate) fn of(value: &Value<'_>, key: &Result<Named, Exception>) -> Self {
        key.as_ref().map_or_else(|_| Self::Other(value.clone().into_owned()), |key| Self::Key(key.clone()))
    }
}

/// The verdict on one block against one generation of the tree, and what applying it does.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// `None` if the block is accepted.
    pub reason: Option<Reason>,
    /// The hash that the block claims.
    pub block_hash: Claim,
    /// The hash of the content; `None` where there is none.
    pub computed_hash: Option<[u8; 32]>,
    /// The work score; `None` where there is none.
    pub work: Option<f64>,
    /// The node that is put into the tree: of every accepted block, and of one whose sum is not finite.
    pub node: Option<Node>,
    /// Whether the node becomes the tip.
    pub moves_tip: bool,
    /// Hash of the tip after applying.
    pub tip_hash: Named,
    /// Sum of the tip after applying.
    pub tip_cumulative: f64,
    /// Receipt time given to the judgement, in seconds.
    pub received_at: f64,
    pub(crate) generation: u64,
}

impl Judgement {
    /// Whether the block is accepted.
    #[must_use]
    pub const fn accepted(&self) -> bool {
        self.reason.is_none()
    }

    /// Fork choice. A sum that is not finite is a reject, with the node kept and the tip already moved.
    pub(crate) fn insert(&mut self, node: Node, tip: &Node) {
        self.moves_tip = node.cumulative > tip.cumulative
            || (node.cumulative == tip.cumulative && node.received_at < tip.received_at)
            || (wrong::is(Wrong::Tie) && wrong::late_tie(&node, tip));
        if wrong::is(Wrong::SumFirst) && wrong::endless(node.cumulative) {
            self.moves_tip = false;
            return;
        }
        if self.moves_tip {
            self.tip_hash = node.hash.clone();
            self.tip_cumulative = node.cumulative;
        }
        self.reason = if node.cumulative.is_finite() { None } else { Some(Reason::Malformed) };
        self.node = Some(node);
    }
}
