//! What is said of a block: the verdict, and what applying it does.

use crate::content::Content;
use crate::key::Named;
use crate::tree::{Node, Slot};
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
    pub(crate) fn of(value: &Value<'_>) -> Self {
        Named::of(value).map_or_else(|_| Self::Other(value.clone().into_owned()), Self::Key)
    }
}

/// A verdict and the node that the block becomes.
#[derive(Debug, Clone)]
pub struct Decision {
    /// `None` if the block is accepted.
    pub reason: Option<Reason>,
    /// The node that is put into the tree: of every accepted block, and of one whose sum is not finite.
    pub node: Option<Node>,
    /// Whether the node becomes the tip.
    pub moves_tip: bool,
    /// Where its parent is.
    pub(crate) parent: Option<Slot>,
}

impl Decision {
    /// A reject that leaves nothing in the tree.
    pub(crate) const fn reject(reason: Reason) -> Self {
        Self { reason: Some(reason), node: None, moves_tip: false, parent: None }
    }

    /// Fork choice. A sum that is not finite is a reject, with the node kept and the tip already moved.
    pub(crate) fn insert(node: Node, parent: Option<Slot>, tip: &Node) -> Self {
        if wrong::is(Wrong::SumFirst) && wrong::endless(node.cumulative) {
            return Self::reject(Reason::Malformed);
        }
        let moves_tip = node.cumulative > tip.cumulative
            || (node.cumulative == tip.cumulative && node.received_at < tip.received_at)
            || (wrong::is(Wrong::Tie) && wrong::late_tie(&node, tip));
        let reason = if node.cumulative.is_finite() { None } else { Some(Reason::Malformed) };
        Self { reason, node: Some(node), moves_tip, parent }
    }
}

/// What a judgement tells of a block beside the verdict.
#[derive(Debug)]
pub(crate) struct Told {
    pub claim: Claim,
    pub computed_hash: Option<[u8; 32]>,
    pub work: Option<f64>,
    pub received_at: f64,
}

impl Told {
    pub fn of(content: &Content, received_at: f64) -> Self {
        let work = content.work.and_then(Result::ok);
        #[cfg(feature = "faults")]
        let work = work.map(|work| crate::faults::wrong_work(received_at, &content.index, work));
        Self { claim: content.claim.clone(), computed_hash: content.hash.ok(), work, received_at }
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

    /// A decision on a tree with this tip.
    pub(crate) fn new(told: Told, decision: Decision, tip: &Node, generation: u64) -> Self {
        let after = decision.node.as_ref().filter(|_| decision.moves_tip).unwrap_or(tip);
        Self {
            reason: decision.reason,
            block_hash: told.claim,
            computed_hash: told.computed_hash,
            work: told.work,
            moves_tip: decision.moves_tip,
            tip_hash: after.hash.clone(),
            tip_cumulative: after.cumulative,
            received_at: told.received_at,
            generation,
            node: decision.node,
        }
    }
}
