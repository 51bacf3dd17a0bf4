//! The verdict, the insertion and the choice of the tip.
//!
//! [`Engine::judge`] changes nothing and says all that [`Engine::apply`] would do, so two engines can be compared
//! before either verdict is acted on.

use std::cmp::Ordering;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::batch::Row;
use crate::block::{Block, Fields};
use crate::budget::DEFAULT_BUDGET;
use crate::content::{Checked, Content, Prepared};
use crate::error::{EngineError, Exception, Halt};
#[cfg(feature = "faults")]
use crate::faults::strike;
use crate::key::{Key, Named};
use crate::number::Num;
use crate::tree::{self, Node, Parent, Slot, Tree};
use crate::value::Value;
use crate::verdict::Told;
pub use crate::verdict::{Claim, Decision, Judgement, Profile, Reason};
use crate::work::work;
use crate::wrong::{self, Wrong};

/// Minors of the Python 3 whose rules are known: the oldest that a node runs on, and the newest whose `sum` and whose
/// digits were looked at. What another one does with a block is not known, so no engine may claim to judge as it does.
pub const PYTHON_MINORS: RangeInclusive<u8> = 11..=14;

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
        let work = work(fields.complexity, rules.python_minor)
            .map_err(|error| invalid(&format!("work score raises {error}")))?;
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
        let Some(fields) = self.admit(block, received_at)? else {
            let claim = block.dict().get(b"block_hash").map_or(Claim::Missing, Claim::of);
            let told = Told { claim, computed_hash: None, work: None, received_at };
            return self.judgement(told, Decision::reject(Reason::Malformed));
        };
        let content = Content::of(block, &fields, self.rules.python_minor);
        self.judge_content(content, |content| content.check(&fields, &self.rules, profile), received_at)
    }

    /// Judges a block and puts it into the tree.
    ///
    /// # Errors
    /// As [`judge`](Self::judge); then nothing has changed.
    pub fn take(&mut self, block: &Block<'_>, received_at: f64, profile: Profile) -> Result<Decision, EngineError> {
        let Some(fields) = self.admit(block, received_at)? else { return Ok(Decision::reject(Reason::Malformed)) };
        let content = Content::of(block, &fields, self.rules.python_minor);
        let rules = self.rules;
        self.take_content(content, |content| content.check(&fields, &rules, profile), received_at)
    }

    /// As [`judge`](Self::judge), of a block that has been checked already.
    pub(crate) fn judge_prepared(
        &self,
        prepared: Prepared<'_>,
        row: &Row<'_>,
        profile: Profile,
    ) -> Result<Judgement, EngineError> {
        match prepared {
            Prepared::Checked(content, checked) => {
                strike(row.received_at, self.rules.work_budget)?;
                self.judge_content(content, |_| checked, row.received_at)
            }
            Prepared::Other(block) => self.judge(&block, row.received_at, profile),
        }
    }

    /// As [`take`](Self::take), of a block that has been checked already.
    pub(crate) fn take_prepared(
        &mut self,
        prepared: Prepared<'_>,
        row: &Row<'_>,
        profile: Profile,
    ) -> Result<Decision, EngineError> {
        match prepared {
            Prepared::Checked(content, checked) => {
                strike(row.received_at, self.rules.work_budget)?;
                self.take_content(content, |_| checked, row.received_at)
            }
            Prepared::Other(block) => self.take(&block, row.received_at, profile),
        }
    }

    /// The fields of a block of the domain; `None` if one is missing.
    fn admit<'b, 'a>(&self, block: &'b Block<'a>, received_at: f64) -> Result<Option<Fields<'b, 'a>>, EngineError> {
        strike(received_at, self.rules.work_budget)?;
        match block.out_of_domain() {
            Some(why) => Err(EngineError::OutOfDomain(why.to_owned())),
            None => Ok(block.fields()),
        }
    }

    fn judge_content(
        &self,
        content: Content,
        check: impl FnOnce(&Content) -> Checked,
        received_at: f64,
    ) -> Result<Judgement, EngineError> {
        let told = Told::of(&content, received_at);
        let decision = self.decide(content, check, received_at)?;
        self.judgement(told, decision)
    }

    fn take_content(
        &mut self,
        content: Content,
        check: impl FnOnce(&Content) -> Checked,
        received_at: f64,
    ) -> Result<Decision, EngineError> {
        let decision = self.decide(content, check, received_at)?;
        if let Some(node) = &decision.node {
            self.insert(node, decision.parent, decision.moves_tip)?;
        }
        Ok(decision)
    }

    /// The rules in their order, the insertion and the fork choice.
    fn decide(
        &self,
        content: Content,
        check: impl FnOnce(&Content) -> Checked,
        received_at: f64,
    ) -> Result<Decision, EngineError> {
        let parent = content.parent.as_ref().ok().and_then(|parent| self.tree.parent(&parent.key));
        let verdict = match check_parent(&content, parent.as_ref()) {
            Ok(None) => check(&content),
            broken => broken.map_err(Halt::from),
        };
        let node = match verdict {
            Ok(None) => insertion(content, parent.as_ref(), received_at),
            Ok(Some(reason)) => return Ok(Decision::reject(reason)),
            Err(Halt::Raised(exception)) => Err(exception),
            Err(Halt::Failed(error)) => return Err(error),
        };
        let Ok(node) = node else { return Ok(Decision::reject(Reason::Malformed)) };
        Ok(Decision::insert(node, parent.map(|parent| parent.slot), self.tip()?))
    }

    fn judgement(&self, told: Told, decision: Decision) -> Result<Judgement, EngineError> {
        Ok(Judgement::new(told, decision, self.tip()?, self.generation))
    }

    fn tip(&self) -> Result<&Node, EngineError> {
        self.tree.tip().ok_or_else(|| EngineError::Invalid("the tree has no tip".to_owned()))
    }

    fn insert(&mut self, node: &Node, parent: Option<Slot>, moves_tip: bool) -> Result<(), EngineError> {
        self.generation = next_generation();
        let serial = self.tree.insert(node, parent)?;
        if moves_tip {
            self.tree.set_tip(Node { serial, ..node.clone() });
        }
        Ok(())
    }

    /// Puts an accepted block into the tree (or one whose sum is not finite); of any other nothing is left to do.
    ///
    /// # Errors
    /// [`EngineError::StaleJudgement`] if the tree changed since the judgement.
    pub fn apply(&mut self, judgement: &Judgement) -> Result<(), EngineError> {
        if judgement.generation != self.generation {
            return Err(EngineError::StaleJudgement { judged: judgement.generation, current: self.generation });
        }
        match &judgement.node {
            Some(node) => self.insert(node, None, judgement.moves_tip),
            None => Ok(()),
        }
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

/// What every judgement begins with in a fault build.
#[cfg(not(feature = "faults"))]
const fn strike(_: f64, _: u64) -> Result<(), EngineError> {
    Ok(())
}

/// Rules 1 to 3.
fn check_parent(content: &Content, parent: Option<&Parent>) -> Result<Option<Reason>, Exception> {
    let index = content.index.num()?;
    if !index.greater(&Num::Int(0)) {
        return Ok(None);
    }
    content.parent.as_ref().map_err(|error| *error)?;
    let Some(parent) = parent else { return Ok(Some(Reason::UnknownParent)) };
    if index.compare(&next_height(parent)?) != Some(Ordering::Equal) {
        return Ok(Some(Reason::BadHeight));
    }
    let as_old = wrong::is(Wrong::Timestamp) && parent.timestamp.at_most(&content.timestamp)?;
    if content.timestamp.at_most(&parent.timestamp)? && !as_old {
        return Ok(Some(Reason::BadTimestamp));
    }
    Ok(None)
}

/// The node that a block which passed the rules becomes.
fn insertion(content: Content, parent: Option<&Parent>, received_at: f64) -> Result<Node, Exception> {
    let parent_key = content.parent?;
    let work = content.work.ok_or(Exception::Type)??;
    #[cfg(feature = "faults")]
    let work = crate::faults::wrong_work(received_at, &content.index, work);
    let (cumulative, height) = match parent {
        Some(parent) => (parent.cumulative + work, next_height(parent)?.into()),
        None => (work, content.index),
    };
    let Claim::Key(hash) = content.claim else { return Err(Exception::Type) };
    Ok(Node { hash, parent: parent_key, height, cumulative, received_at, timestamp: content.timestamp, serial: 0 })
}

/// `parent.height + 1`
fn next_height(parent: &Parent) -> Result<Num, Exception> {
    parent.height.num()?.add(&Num::Int(1))
}

#[cfg(test)]
mod tests;
