//! The chain that the tests of several modules grow.

use crate::block::Block;
use crate::engine::Engine;
use crate::rules::settings::Rules;

const GENESIS: &str = r#"{"index": 0, "timestamp": 1.0, "previous_hash": "-", "transactions": [], "merkle_root": "",
    "problem": {}, "solution": [], "complexity": {"time_solve_O": "O(1)", "time_verify_O": "O(1)",
    "problem_class": "P", "problem_size": 1, "epsilon_approximation": null, "asymmetry_time": 1,
    "asymmetry_space": 1, "measured_solve_time": 1, "measured_verify_time": 1, "measured_solve_space": 1,
    "measured_verify_space": 1, "energy_metrics": {"solve_energy_joules": 0}}, "mining_capacity": "mobile",
    "cumulative_work_score": 0, "block_hash": "0"}"#;

/// An engine that knows only the genesis, whose hash is "0".
pub fn engine() -> Option<Engine> {
    let genesis = Block::parse(GENESIS.as_bytes()).ok()?;
    Engine::new(&genesis, 1.0, Rules::default()).ok()
}

/// Text of a block that the header rules accept on the block named `parent`, half a second after `hash`.
pub fn child(height: usize, parent: usize, hash: usize) -> String {
    let root = "0".repeat(64);
    GENESIS
        .replace("\"index\": 0, \"timestamp\": 1.0", &format!("\"index\": {height}, \"timestamp\": {hash}.5"))
        .replace("\"merkle_root\": \"\"", &format!("\"merkle_root\": \"{root}\""))
        .replace("\"problem\": {}, \"solution\": []", "\"problem\": {\"size\": 9}, \"solution\": [1]")
        .replace("\"previous_hash\": \"-\"", &format!("\"previous_hash\": \"{parent}\""))
        .replace("\"block_hash\": \"0\"", &format!("\"block_hash\": \"{hash}\""))
}
