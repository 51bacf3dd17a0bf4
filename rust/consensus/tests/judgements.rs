//! A judgement belongs to one engine in one state: after any change it has to be made again.

#![allow(clippy::unwrap_used)]

use coinjecture_consensus::error::EngineError;
use coinjecture_consensus::tree::Node;
use coinjecture_consensus::{Block, Engine, Judgement, Profile, Rules};

const GENESIS: &str = r#"{"index": 0, "timestamp": 1.0, "previous_hash": "-", "transactions": [], "merkle_root": "",
    "problem": {}, "solution": [], "complexity": {"time_solve_O": "O(1)", "time_verify_O": "O(1)",
    "problem_class": "P", "problem_size": 1, "epsilon_approximation": null, "asymmetry_time": 1,
    "asymmetry_space": 1, "measured_solve_time": 1, "measured_verify_time": 1, "measured_solve_space": 1,
    "measured_verify_space": 1, "energy_metrics": {"solve_energy_joules": 0}}, "mining_capacity": "mobile",
    "cumulative_work_score": 0, "block_hash": "0"}"#;

fn engine() -> Engine {
    Engine::new(&Block::parse(GENESIS.as_bytes()).unwrap(), 1.0, Rules::default()).unwrap()
}

/// What an engine says of a child of the genesis, `index` seconds after it.
fn judgement(engine: &Engine, index: u8) -> Judgement {
    let child = GENESIS
        .replace("\"index\": 0, \"timestamp\": 1.0", &format!("\"index\": 1, \"timestamp\": {index}.5"))
        .replace("\"merkle_root\": \"\"", &format!("\"merkle_root\": \"{}\"", "0".repeat(64)))
        .replace("\"problem\": {}, \"solution\": []", "\"problem\": {\"size\": 9}, \"solution\": [1]")
        .replace("\"previous_hash\": \"-\"", "\"previous_hash\": \"0\"")
        .replace("\"block_hash\": \"0\"", &format!("\"block_hash\": \"{index}\""));
    let judgement = engine.judge(&Block::parse(child.as_bytes()).unwrap(), 2.0, Profile::Header).unwrap();
    assert!(judgement.accepted(), "{:?}", judgement.reason);
    judgement
}

fn is_stale(engine: &mut Engine, judgement: &Judgement) -> bool {
    matches!(engine.apply(judgement), Err(EngineError::StaleJudgement { .. }))
}

#[test]
fn a_judgement_is_applied_once_and_by_the_engine_that_made_it() {
    let (mut one, mut other) = (engine(), engine());
    let (first, second) = (judgement(&one, 1), judgement(&one, 2));
    assert!(is_stale(&mut other, &first));
    assert!(!is_stale(&mut one, &first));
    assert!(is_stale(&mut one, &first));
    assert!(is_stale(&mut one, &second));
    let again = judgement(&one, 2);
    assert!(!is_stale(&mut one, &again));
}

#[test]
fn whatever_changes_the_tree_makes_judgements_stale() {
    let changes: [fn(&mut Engine); 3] = [
        |engine| {
            let tip = engine.tree().tip().unwrap().clone();
            engine.put(tip).unwrap();
        },
        |engine| engine.set_tip(engine.tree().tip().unwrap().clone()),
        |engine| engine.import(&engine.export()).unwrap(),
    ];
    for change in changes {
        let mut engine = engine();
        let before = judgement(&engine, 1);
        change(&mut engine);
        assert!(is_stale(&mut engine, &before));
    }
}

/// An engine with one child on the genesis.
fn grown() -> (Engine, Judgement) {
    let mut engine = engine();
    let child = judgement(&engine, 1);
    engine.apply(&child).unwrap();
    (engine, child)
}

#[test]
fn the_tip_is_the_node_that_the_tree_holds_until_that_one_is_replaced() {
    let (mut engine, child) = grown();
    let key = child.node.unwrap().hash.key;
    let serials = |engine: &Engine| (engine.tree().tip().unwrap().serial, engine.tree().get(&key).unwrap().serial);
    let (tip, stored) = serials(&engine);
    assert_eq!(tip, stored);
    let again = judgement(&engine, 1);
    engine.apply(&again).unwrap();
    let (tip, replacement) = serials(&engine);
    assert_eq!(tip, stored);
    assert_ne!(replacement, stored);
}

#[test]
fn a_tip_that_another_engine_has_is_taken_over() {
    let (mut engine, _) = grown();
    let genesis = engine.tree().get(&engine.tree().tip().unwrap().parent.key).unwrap();
    engine.set_tip(Node { serial: 99, ..genesis.clone() });
    assert_eq!(engine.tree().tip().unwrap().serial, genesis.serial);
    let replaced = Node { serial: 99, cumulative: 0.5, ..genesis };
    engine.set_tip(replaced);
    assert_eq!(engine.tree().tip().unwrap().serial, 99);
}

#[test]
fn a_block_is_final_so_many_blocks_below_the_tip() {
    let (engine, child) = grown();
    let child = child.node.unwrap();
    let is_final = |key, depth| engine.is_finalized(key, depth).unwrap();
    assert!(is_final(&child.parent.key, 1));
    assert!(!is_final(&child.parent.key, 2));
    assert!(is_final(&child.hash.key, 0));
    assert!(!is_final(&child.hash.key, 1));
    assert!(!is_final(&coinjecture_consensus::key::Key::Hash([7; 32]), 0));
}
