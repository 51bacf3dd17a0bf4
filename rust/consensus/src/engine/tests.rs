//! A judgement belongs to one engine in one state: after any change it has to be made again.

#![allow(clippy::unwrap_used)] // where an engine or a block cannot be made, the test has failed

use super::{Engine, Judgement};
use crate::block::Block;
use crate::chain::node::Node;
use crate::error::EngineError;
use crate::fixtures::{self, child};
use crate::python::key::Key;
use crate::rules::reason::Profile;

fn engine() -> Engine {
    fixtures::engine().unwrap()
}

/// What an engine says of a child of the genesis.
fn judgement(engine: &Engine, hash: usize) -> Judgement {
    let text = child(1, 0, hash);
    let judgement = engine.judge(&Block::parse(text.as_bytes()).unwrap(), 2.0, Profile::Header).unwrap();
    assert!(judgement.accepted(), "{:?}", judgement.reason());
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
    assert!(!is_final(&Key::Hash([7; 32]), 0));
}
