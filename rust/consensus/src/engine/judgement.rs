//! What is said of a block: the verdict, and what applying it does.

use crate::chain::fork_choice::beats;
use crate::chain::node::{Node, Slot};
use crate::json::writer::{write_float, write_ordered};
use crate::python::key::{hex_digits, Named};
use crate::python::value::Value;
use crate::rules::evaluated::{Claim, Evaluated};
use crate::rules::reason::{Reason, Reject};

/// A verdict and the node that the block becomes.
#[derive(Debug, Clone)]
pub struct Decision {
    /// `None` if the block is accepted.
    pub reject: Option<Box<Reject>>,
    /// The node that is put into the tree: of every accepted block, and of one whose sum is not finite.
    pub node: Option<Node>,
    /// Whether the node becomes the tip.
    pub moves_tip: bool,
    /// Where its parent is.
    pub(crate) parent: Option<Slot>,
}

impl Decision {
    /// A reject that leaves nothing in the tree.
    pub(crate) const fn reject(reject: Box<Reject>) -> Self {
        Self { reject: Some(reject), node: None, moves_tip: false, parent: None }
    }

    /// Fork choice. A sum that is not finite is a reject, with the node kept and the tip already moved.
    pub(crate) fn insert(node: Node, parent: Option<Slot>, tip: &Node) -> Self {
        let moves_tip = beats(&node, tip);
        let reject = if node.cumulative.is_finite() { None } else { Some(Reject::malformed()) };
        Self { reject, node: Some(node), moves_tip, parent }
    }

    /// `None` if the block is accepted.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.reject.as_ref().map(|reject| reject.reason)
    }
}

/// What a judgement reports of a block beside the verdict.
#[derive(Debug)]
pub(crate) struct Reported {
    pub claim: Claim,
    pub computed_hash: Option<[u8; 32]>,
    pub work: Option<f64>,
    pub received_at: f64,
}

impl Reported {
    pub fn of(evaluated: &Evaluated, received_at: f64) -> Self {
        let work = evaluated.work.and_then(Result::ok);
        #[cfg(feature = "faults")]
        let work = work.map(|work| crate::faults::wrong_work(received_at, &evaluated.index, work));
        Self { claim: evaluated.claim.clone(), computed_hash: evaluated.hash.ok(), work, received_at }
    }
}

/// The verdict on one block against one generation of the tree, and what applying it does.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// `None` if the block is accepted.
    pub reject: Option<Box<Reject>>,
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
        self.reject.is_none()
    }

    /// `None` if the block is accepted.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.reject.as_ref().map(|reject| reject.reason)
    }

    /// All that it says of the block, to compare it with another one; floats to the bit.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let mut out = format!("{:?} {:?} ", self.reason(), self.moves_tip).into_bytes();
        let claimed = match &self.block_hash {
            Claim::Missing => None,
            Claim::Key(key) => Some(key.value()),
            Claim::Other(value) => Some(value.clone()),
        };
        let computed = self.computed_hash.map(|hash| Value::Str(hex_digits(&hash).to_vec().into()));
        let tip_hash = Some(self.tip_hash.value());
        for value in [claimed, computed, self.work.map(Value::Float), tip_hash] {
            match value {
                Some(value) => write_ordered(&value, &mut out),
                None => out.push(b'-'),
            }
            out.push(b' ');
        }
        write_float(self.tip_cumulative, &mut out);
        out.push(b' ');
        write_float(self.received_at, &mut out);
        if let Some(node) = &self.node {
            out.extend_from_slice(&node.to_text());
        }
        out
    }

    /// A decision on a tree with this tip.
    pub(crate) fn new(reported: Reported, decision: Decision, tip: &Node, generation: u64) -> Self {
        let after = decision.node.as_ref().filter(|_| decision.moves_tip).unwrap_or(tip);
        Self {
            reject: decision.reject,
            block_hash: reported.claim,
            computed_hash: reported.computed_hash,
            work: reported.work,
            moves_tip: decision.moves_tip,
            tip_hash: after.hash.clone(),
            tip_cumulative: after.cumulative,
            received_at: reported.received_at,
            generation,
            node: decision.node,
        }
    }
}
