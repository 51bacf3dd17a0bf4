//! The verdict, the insertion and the choice of the tip.
//!
//! [`Engine::judge`] changes nothing and says all that [`Engine::apply`] would do, so two engines can be compared
//! before either verdict is acted on.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::block::{tier_bounds, Block, Fields};
use crate::budget::DEFAULT_BUDGET;
use crate::error::{EngineError, Exception, Halt};
use crate::key::{Key, Named};
use crate::number::Num;
use crate::tree::{self, Node, Parent, Tree};
use crate::value::Value;
pub use crate::verdict::{Claim, Judgement, Profile, Reason};
use crate::wrong::{self, Wrong};

/// What of the surroundings the rules depend on.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Minor of the Python 3 whose semantics hold: `sum` changed in 3.12 and 3.14.
    pub python_minor: u8,
    /// Steps one judgement may take.
    pub work_budget: u64,
    /// Profile that a network uses for every call, if it pins one.
    pub pin_profile: Option<Profile>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { python_minor: 11, work_budget: DEFAULT_BUDGET, pin_profile: None }
    }
}

impl Rules {
    /// The profile by which a call that asks for one is judged.
    #[must_use]
    pub fn profile(&self, asked: Profile) -> Profile {
        self.pin_profile.unwrap_or(asked)
    }
}

/// Number of a state of a tree. No two engines of a process share one, so a judgement fits one engine only.
fn next_generation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

/// A tree with the rules.
#[derive(Debug)]
pub struct Engine {
    rules: Rules,
    tree: Tree,
    generation: u64,
}

impl Engine {
    /// An engine that knows only the genesis, which is never validated.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if the genesis cannot be a node.
    pub fn new(genesis: &Block<'_>, received_at: f64, rules: Rules) -> Result<Self, EngineError> {
        let invalid = |what: &str| EngineError::Invalid(format!("genesis: {what}"));
        if let Some(why) = genesis.out_of_domain() {
            return Err(invalid(why));
        }
        let fields = genesis.fields().ok_or_else(|| invalid("a required field is missing"))?;
        let work = genesis.work(rules.python_minor).map_err(|error| invalid(&format!("work score raises {error}")))?;
        let key =
            |value: &Value<'_>| Named::of(value).map_err(|_| invalid("a list or a dict cannot be a key of the tree"));
        let mut engine = Self { rules, tree: Tree::default(), generation: next_generation() };
        let tip = engine.tree.put(Node {
            hash: key(fields.block_hash)?,
            parent: key(fields.previous_hash)?,
            height: fields.index.clone().into_owned(),
            cumulative: work,
            received_at,
            timestamp: fields.timestamp.clone().into_owned(),
            serial: 0,
        })?;
        engine.tree.set_tip(tip);
        Ok(engine)
    }

    /// The rules this engine was made with.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The tree.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Judges a block. Changes nothing.
    ///
    /// # Errors
    /// [`EngineError::OutOfDomain`], [`EngineError::BudgetExceeded`]: no verdict.
    pub fn judge(&self, block: &Block<'_>, received_at: f64, profile: Profile) -> Result<Judgement, EngineError> {
        #[cfg(feature = "faults")]
        crate::faults::strike(received_at, self.rules.work_budget)?;
        if let Some(why) = block.out_of_domain() {
            return Err(EngineError::OutOfDomain(why.to_owned()));
        }
        let profile = self.rules.profile(profile);
        let tip = self.tree.tip().ok_or_else(|| EngineError::Invalid("the tree has no tip".to_owned()))?;
        let fields = block.fields();
        let mut judgement = Judgement {
            reason: Some(Reason::Malformed),
            block_hash: Claim::Missing,
            computed_hash: block.computed_hash().ok(),
            work: block.reported_work(self.rules.python_minor),
            node: None,
            moves_tip: false,
            tip_hash: tip.hash.clone(),
            tip_cumulative: tip.cumulative,
            received_at,
            generation: self.generation,
        };
        let Some(fields) = fields else {
            if let Some(value) = block.dict().get(b"block_hash") {
                judgement.block_hash = Claim::of(value, &Named::of(value));
            }
            return Ok(judgement);
        };
        #[cfg(feature = "faults")]
        {
            judgement.work = judgement.work.map(|work| crate::faults::wrong_work(received_at, fields.index, work));
        }
        let links = Links::of(&fields, &self.tree);
        judgement.block_hash = Claim::of(fields.block_hash, &links.own);
        let verdict = self.check(block, &fields, &links, profile);
        let verdict = match verdict {
            Ok(None) => self.insertion(block, &fields, links, received_at).map(Some).map_err(Halt::from),
            Ok(Some(reason)) => {
                judgement.reason = Some(reason);
                return Ok(judgement);
            }
            Err(halt) => Err(halt),
        };
        match verdict {
            Err(Halt::Failed(error)) => return Err(error),
            Ok(Some(node)) => judgement.insert(node, tip),
            Ok(None) | Err(Halt::Raised(_)) => {}
        }
        Ok(judgement)
    }

    /// Judges a block and puts it into the tree.
    ///
    /// # Errors
    /// As [`judge`](Self::judge); then nothing has changed.
    pub fn take(&mut self, block: &Block<'_>, received_at: f64, profile: Profile) -> Result<Judgement, EngineError> {
        let judgement = self.judge(block, received_at, profile)?;
        self.apply(&judgement)?;
        Ok(judgement)
    }

    /// Rules 1 to 6 or 1 to 9: the first one that is broken.
    fn check(
        &self,
        block: &Block<'_>,
        fields: &Fields<'_, '_>,
        links: &Links,
        profile: Profile,
    ) -> Result<Option<Reason>, Halt> {
        if let Some(reason) = check_parent(fields, links)? {
            return Ok(Some(reason));
        }
        if !fields.problem.truthy() || !fields.solution.truthy() {
            return Ok(Some(Reason::MissingProof));
        }
        if !fields.merkle_root.truthy() || fields.merkle_root.length()? != 64 {
            return Ok(Some(Reason::BadMerkleRoot));
        }
        if !fields.complexity.truthy() {
            return Ok(Some(Reason::MissingComplexity));
        }
        if block.work(self.rules.python_minor)? <= 0.0 {
            return Ok(Some(Reason::NoWork));
        }
        match profile {
            Profile::Header => Ok(None),
            Profile::Full => self.check_proof(block, fields, links),
        }
    }

    /// Rules 7 to 9.
    fn check_proof(&self, block: &Block<'_>, fields: &Fields<'_, '_>, links: &Links) -> Result<Option<Reason>, Halt> {
        let computed = Key::Hash(block.computed_hash()?);
        if !links.own.as_ref().is_ok_and(|own| own.key == computed) {
            return Ok(Some(Reason::BadBlockHash));
        }
        if !block.solved(self.rules.python_minor, self.rules.work_budget)? {
            return Ok(Some(Reason::BadProof));
        }
        let (low, high) = tier_bounds(fields.mining_capacity).ok_or(Exception::Key)?;
        let size = fields.problem.dict()?.get(b"size").unwrap_or(&Value::Int(0));
        let high = if wrong::is(Wrong::TierBound) { wrong::one_less(high) } else { high };
        if Value::Int(low).at_most(size)? && size.at_most(&Value::Int(high))? {
            return Ok(None);
        }
        Ok(Some(Reason::BadTierSize))
    }

    /// The node that a block which passed the rules becomes.
    fn insertion(
        &self,
        block: &Block<'_>,
        fields: &Fields<'_, '_>,
        links: Links,
        received_at: f64,
    ) -> Result<Node, Exception> {
        let parent_key = links.parent_key?;
        let work = block.work(self.rules.python_minor)?;
        #[cfg(feature = "faults")]
        let work = crate::faults::wrong_work(received_at, fields.index, work);
        let (cumulative, height) = match links.parent {
            Some(parent) => (parent.cumulative + work, next_height(&parent)?.into()),
            None => (work, fields.index.clone().into_owned()),
        };
        Ok(Node {
            hash: links.own?,
            parent: parent_key,
            height,
            cumulative,
            received_at,
            timestamp: fields.timestamp.clone().into_owned(),
            serial: 0,
        })
    }

    /// Puts an accepted block into the tree (or one whose sum is not finite); of any other nothing is left to do.
    ///
    /// # Errors
    /// [`EngineError::StaleJudgement`] if the tree changed since the judgement.
    pub fn apply(&mut self, judgement: &Judgement) -> Result<(), EngineError> {
        if judgement.generation != self.generation {
            return Err(EngineError::StaleJudgement { judged: judgement.generation, current: self.generation });
        }
        if let Some(node) = &judgement.node {
            self.generation = next_generation();
            let serial = self.tree.insert(node)?;
            if judgement.moves_tip {
                self.tree.set_tip(Node { serial, ..node.clone() });
            }
        }
        Ok(())
    }

    /// Puts a node as another engine has it: nothing is judged or computed.
    ///
    /// # Errors
    /// As [`Tree::put`].
    pub fn put(&mut self, node: Node) -> Result<Node, EngineError> {
        self.generation = next_generation();
        self.tree.put(node)
    }

    /// Makes a node the tip, as another engine has it. If the tree holds the same node under its hash, that one is
    /// meant; else the tip is one that was replaced there.
    pub fn set_tip(&mut self, tip: Node) {
        self.generation = next_generation();
        let stored = self.tree.get(&tip.hash.key);
        self.tree.set_tip(stored.filter(|stored| stored.looks_like(&tip)).unwrap_or(tip));
    }

    /// Takes over the tree of an [`export`](Self::export). The tree stays as it is if that cannot be read.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] with what is wrong.
    pub fn import(&mut self, data: &[u8]) -> Result<(), EngineError> {
        let tree = crate::transfer::import(data)?;
        self.generation = next_generation();
        self.tree = tree;
        Ok(())
    }

    /// The tree as text, for [`import`](Self::import).
    #[must_use]
    pub fn export(&self) -> Vec<u8> {
        crate::transfer::export(&self.tree)
    }

    /// Whether the node under `key` lies `depth` or more below the tip, on whatever branch.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if the heights cannot be subtracted.
    pub fn is_finalized(&self, key: &Key, depth: i64) -> Result<bool, EngineError> {
        match (self.tree.tip(), self.tree.get(key)) {
            (Some(tip), Some(node)) => tree::is_buried(&tip.height, &node.height, depth),
            _ => Ok(false),
        }
    }
}

/// A block's place in the tree: its own key and its parent's, or the exception that making a key of them raises.
struct Links {
    own: Result<Named, Exception>,
    parent_key: Result<Named, Exception>,
    parent: Option<Parent>,
}

impl Links {
    fn of(fields: &Fields<'_, '_>, tree: &Tree) -> Self {
        let parent_key = Named::of(fields.previous_hash);
        let parent = parent_key.as_ref().ok().and_then(|parent| tree.parent(&parent.key));
        Self { own: Named::of(fields.block_hash), parent_key, parent }
    }
}

/// Rules 1 to 3.
fn check_parent(fields: &Fields<'_, '_>, links: &Links) -> Result<Option<Reason>, Exception> {
    let index = fields.index.num()?;
    if !index.greater(&Num::Int(0)) {
        return Ok(None);
    }
    links.parent_key.as_ref().map_err(|error| *error)?;
    let Some(parent) = &links.parent else { return Ok(Some(Reason::UnknownParent)) };
    if index.compare(&next_height(parent)?) != Some(Ordering::Equal) {
        return Ok(Some(Reason::BadHeight));
    }
    let as_old = wrong::is(Wrong::Timestamp) && parent.timestamp.at_most(fields.timestamp)?;
    if fields.timestamp.at_most(&parent.timestamp)? && !as_old {
        return Ok(Some(Reason::BadTimestamp));
    }
    Ok(None)
}

/// `parent.height + 1`
fn next_height(parent: &Parent) -> Result<Num, Exception> {
    parent.height.num()?.add(&Num::Int(1))
}

#[cfg(test)]
mod tests;
