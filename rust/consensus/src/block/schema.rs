//! The schema of a block: which keys it has, which of them the rules read, and which are hashed.
//!
//! Every key is named here once. (The [fast path](super::fast_path) spells the text of a mined block as it stands; a test
//! holds the two against each other.)

use crate::error::Exception;
use crate::json::schema::{Part, Schema};
use crate::python::number::Num;
use crate::python::value::{Dict, Value};

/// What the rules read of a block, and what else one usually has, in the order in which it usually comes.
pub static BLOCK: Schema = Schema::new(&[
    ("index", Part::Kept),
    ("timestamp", Part::Kept),
    ("previous_hash", Part::Kept),
    ("transactions", Part::Presence),
    ("merkle_root", Part::Kept),
    ("problem", Part::Kept),
    ("solution", Part::Kept),
    ("complexity", Part::Members(&COMPLEXITY)),
    ("mining_capacity", Part::Kept),
    ("cumulative_work_score", Part::Kept),
    ("offchain_cid", Part::Unread),
    ("proof_commitment", Part::Unread),
    ("block_hash", Part::Kept),
]);

/// How many keys of a block are kept.
pub const KEPT: usize = 11;

/// Which of them the complexity is.
pub const COMPLEXITY_PLACE: usize = 7;

/// What the work score reads.
static COMPLEXITY: Schema = Schema::new(&[
    ("time_solve_O", Part::Kept),
    ("time_solve_Omega", Part::Unread),
    ("time_solve_Theta", Part::Unread),
    ("time_verify_O", Part::Kept),
    ("time_verify_Omega", Part::Unread),
    ("time_verify_Theta", Part::Unread),
    ("space_solve_O", Part::Unread),
    ("space_solve_Omega", Part::Unread),
    ("space_solve_Theta", Part::Unread),
    ("space_verify_O", Part::Unread),
    ("space_verify_Omega", Part::Unread),
    ("space_verify_Theta", Part::Unread),
    ("problem_class", Part::Kept),
    ("problem_size", Part::Kept),
    ("solution_size", Part::Unread),
    ("epsilon_approximation", Part::Kept),
    ("asymmetry_time", Part::Kept),
    ("asymmetry_space", Part::Kept),
    ("measured_solve_time", Part::Kept),
    ("measured_verify_time", Part::Kept),
    ("measured_solve_space", Part::Kept),
    ("measured_verify_space", Part::Kept),
    ("energy_metrics", Part::Members(&ENERGY)),
    ("problem", Part::Unread),
    ("solution_quality", Part::Unread),
]);

static ENERGY: Schema = Schema::new(&[
    ("solve_energy_joules", Part::Kept),
    ("verify_energy_joules", Part::Unread),
    ("solve_power_watts", Part::Unread),
    ("verify_power_watts", Part::Unread),
    ("solve_time_seconds", Part::Unread),
    ("verify_time_seconds", Part::Unread),
    ("cpu_utilization", Part::Unread),
    ("memory_utilization", Part::Unread),
    ("gpu_utilization", Part::Unread),
]);

/// The fields without which a block cannot be built.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'b, 'a> {
    /// Position in the chain; the rules compare it with the parent's height.
    pub index: &'b Value<'a>,
    /// Time of the block as its miner says it, in seconds.
    pub timestamp: &'b Value<'a>,
    /// Key of the parent.
    pub previous_hash: &'b Value<'a>,
    /// Root of the transactions.
    pub merkle_root: &'b Value<'a>,
    /// The subset sum problem.
    pub problem: &'b Value<'a>,
    /// The chosen values.
    pub solution: &'b Value<'a>,
    /// What the miner measured; decides the work score.
    pub complexity: &'b Value<'a>,
    /// Name of the hardware tier.
    pub mining_capacity: &'b Value<'a>,
    /// The sum as the miner says it; hashed, never checked.
    pub cumulative_work_score: &'b Value<'a>,
    /// The block's hash as the miner says it.
    pub block_hash: &'b Value<'a>,
}

/// Where in a block the keys of [`BLOCK`] are; `None` if a required field is missing.
pub fn places(dict: &Dict<'_>) -> Option<[usize; KEPT]> {
    let mut places = [0; KEPT];
    let mut likely = 0;
    for (place, key) in places.iter_mut().zip(BLOCK.names()) {
        *place = dict.position(key.as_bytes(), likely)?;
        likely = *place + 1;
    }
    Some(places)
}

/// Each hashed field with what is written before its value, in the order of the fields' code points.
pub const HASHED: [(&str, &str); 8] = [
    ("cumulative_work_score", "{\"cumulative_work_score\": "),
    ("index", ", \"index\": "),
    ("merkle_root", ", \"merkle_root\": "),
    ("mining_capacity", ", \"mining_capacity\": "),
    ("previous_hash", ", \"previous_hash\": "),
    ("problem", ", \"problem\": "),
    ("solution", ", \"solution\": "),
    ("timestamp", ", \"timestamp\": "),
];

/// What is under a key of a complexity; reading it raises if it is missing.
#[derive(Clone, Copy)]
pub struct Member<'v, 'a>(Option<&'v Value<'a>>);

impl<'v, 'a> Member<'v, 'a> {
    /// The value, as `complexity[key]`.
    pub fn value(self) -> Result<&'v Value<'a>, Exception> {
        self.0.ok_or(Exception::Key)
    }

    /// The value as a number in an arithmetic expression.
    pub fn num(self) -> Result<Num, Exception> {
        self.value()?.num()
    }
}

/// A complexity whose keys have been looked up, each once.
pub struct Complexity<'v, 'a> {
    pub time_solve: Member<'v, 'a>,
    pub time_verify: Member<'v, 'a>,
    pub problem_class: Member<'v, 'a>,
    pub problem_size: Member<'v, 'a>,
    pub epsilon_approximation: Member<'v, 'a>,
    pub asymmetry_time: Member<'v, 'a>,
    pub asymmetry_space: Member<'v, 'a>,
    pub measured_solve_time: Member<'v, 'a>,
    pub measured_verify_time: Member<'v, 'a>,
    pub measured_solve_space: Member<'v, 'a>,
    pub measured_verify_space: Member<'v, 'a>,
    pub energy_metrics: Member<'v, 'a>,
}

impl<'v, 'a> Complexity<'v, 'a> {
    /// Looks the keys up in the order in which they usually come.
    pub fn of(dict: &'v Dict<'a>) -> Self {
        let mut likely = 0;
        let mut member = |key: &str| {
            let position = dict.position(key.as_bytes(), likely);
            likely = position.map_or(likely, |position| position + 1);
            Member(position.and_then(|position| dict.value_at(position)))
        };
        Self {
            time_solve: member("time_solve_O"),
            time_verify: member("time_verify_O"),
            problem_class: member("problem_class"),
            problem_size: member("problem_size"),
            epsilon_approximation: member("epsilon_approximation"),
            asymmetry_time: member("asymmetry_time"),
            asymmetry_space: member("asymmetry_space"),
            measured_solve_time: member("measured_solve_time"),
            measured_verify_time: member("measured_verify_time"),
            measured_solve_space: member("measured_solve_space"),
            measured_verify_space: member("measured_verify_space"),
            energy_metrics: member("energy_metrics"),
        }
    }
}
