//! The verdict, the insertion and the choice of the tip.
//!
//! [`Engine::judge`] changes nothing and says all that [`Engine::apply`] would do, so two engines can be compared
//! before either verdict is acted on.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) mod judgement;

pub use judgement::{Decision, Judgement};

use judgement::Reported;

use crate::block::schema::Fields;
use crate::block::Block;
use crate::chain::export;
use crate::chain::fork_choice::is_buried;
use crate::chain::node::{Node, Parent, Slot};
use crate::chain::tree::Tree;
use crate::error::{EngineError, Exception, Halt};
#[cfg(feature = "faults")]
use crate::faults::strike;
use crate::python::key::{Key, Named};
use crate::python::value::Value;
use crate::rules::evaluated::{Claim, Evaluated};
use crate::rules::prepared::Prepared;
use crate::rules::reason::{Profile, Reject};
use crate::rules::settings::Rules;
use crate::rules::verdict::{check_content, check_place, next_height, Checked};
use crate::rules::work::work;

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
            let reported = Reported { claim, computed_hash: None, work: None, received_at };
            return self.judgement(reported, Decision::reject(Reject::malformed()));
        };
        let evaluated = Evaluated::of(block, &fields, self.rules.python_minor);
        self.judge_evaluated(evaluated, |it| check_content(it, &fields, &self.rules, profile), received_at)
    }

    /// Judges a block and puts it into the tree.
    ///
    /// # Errors
    /// As [`judge`](Self::judge); then nothing has changed.
    pub fn take(&mut self, block: &Block<'_>, received_at: f64, profile: Profile) -> Result<Decision, EngineError> {
        let Some(fields) = self.admit(block, received_at)? else { return Ok(Decision::reject(Reject::malformed())) };
        let evaluated = Evaluated::of(block, &fields, self.rules.python_minor);
        let rules = self.rules;
        self.take_evaluated(evaluated, |it| check_content(it, &fields, &rules, profile), received_at)
    }

    /// As [`judge`](Self::judge), of a block that has been checked already.
    pub(crate) fn judge_prepared(
        &self,
        prepared: Prepared<'_>,
        received_at: f64,
        profile: Profile,
    ) -> Result<Judgement, EngineError> {
        match prepared {
            Prepared::Checked(evaluated, checked) => {
                strike(received_at, self.rules.work_budget)?;
                self.judge_evaluated(evaluated, |_| checked, received_at)
            }
            Prepared::Other(block) => self.judge(&block, received_at, profile),
        }
    }

    /// As [`take`](Self::take), of a block that has been checked already.
    pub(crate) fn take_prepared(
        &mut self,
        prepared: Prepared<'_>,
        received_at: f64,
        profile: Profile,
    ) -> Result<Decision, EngineError> {
        match prepared {
            Prepared::Checked(evaluated, checked) => {
                strike(received_at, self.rules.work_budget)?;
                self.take_evaluated(evaluated, |_| checked, received_at)
            }
            Prepared::Other(block) => self.take(&block, received_at, profile),
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

    fn judge_evaluated(
        &self,
        block: Evaluated,
        check: impl FnOnce(&Evaluated) -> Checked,
        received_at: f64,
    ) -> Result<Judgement, EngineError> {
        let reported = Reported::of(&block, received_at);
        let decision = self.decide(block, check, received_at)?;
        self.judgement(reported, decision)
    }

    fn take_evaluated(
        &mut self,
        block: Evaluated,
        check: impl FnOnce(&Evaluated) -> Checked,
        received_at: f64,
    ) -> Result<Decision, EngineError> {
        let decision = self.decide(block, check, received_at)?;
        if let Some(node) = &decision.node {
            self.insert(node, decision.parent, decision.moves_tip)?;
        }
        Ok(decision)
    }

    /// The rules in their order, the insertion and the fork choice.
    fn decide(
        &self,
        block: Evaluated,
        check: impl FnOnce(&Evaluated) -> Checked,
        received_at: f64,
    ) -> Result<Decision, EngineError> {
        let parent = block.parent.as_ref().ok().and_then(|parent| self.tree.parent(&parent.key));
        let verdict = match check_place(&block, parent.as_ref()) {
            Ok(None) => check(&block),
            broken => broken,
        };
        let node = match verdict {
            Ok(None) => insertion(block, parent.as_ref(), received_at),
            Ok(Some(reject)) => return Ok(Decision::reject(reject)),
            Err(Halt::Raised(exception)) => Err(exception),
            Err(Halt::Failed(error)) => return Err(error),
        };
        let Ok(node) = node else { return Ok(Decision::reject(Reject::malformed())) };
        Ok(Decision::insert(node, parent.map(|parent| parent.slot), self.tip()?))
    }

    fn judgement(&self, reported: Reported, decision: Decision) -> Result<Judgement, EngineError> {
        Ok(Judgement::new(reported, decision, self.tip()?, self.generation))
    }

    /// The best tip.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if an import without one was taken over.
    pub fn tip(&self) -> Result<&Node, EngineError> {
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
        let tree = export::import(data)?;
        self.generation = next_generation();
        self.tree = tree;
        Ok(())
    }

    /// The tree as text, for [`import`](Self::import).
    #[must_use]
    pub fn export(&self) -> Vec<u8> {
        export::export(&self.tree)
    }

    /// Whether the node under `key` lies `depth` or more below the tip, on whatever branch.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] if the heights cannot be subtracted.
    pub fn is_finalized(&self, key: &Key, depth: i64) -> Result<bool, EngineError> {
        match (self.tree.tip(), self.tree.get(key)) {
            (Some(tip), Some(node)) => is_buried(&tip.height, &node.height, depth),
            _ => Ok(false),
        }
    }
}

/// What every judgement begins with in a fault build.
#[cfg(not(feature = "faults"))]
const fn strike(_: f64, _: u64) -> Result<(), EngineError> {
    Ok(())
}

/// The node that a block which passed the rules becomes.
fn insertion(block: Evaluated, parent: Option<&Parent>, received_at: f64) -> Result<Node, Exception> {
    let parent_key = block.parent?;
    let work = block.work.ok_or(Exception::Type)??;
    #[cfg(feature = "faults")]
    let work = crate::faults::wrong_work(received_at, &block.index, work);
    let (cumulative, height) = match parent {
        Some(parent) => (parent.cumulative + work, next_height(parent)?.into()),
        None => (work, block.index),
    };
    let Claim::Key(hash) = block.claim else { return Err(Exception::Type) };
    Ok(Node { hash, parent: parent_key, height, cumulative, received_at, timestamp: block.timestamp, serial: 0 })
}

#[cfg(test)]
mod tests;
