//! Every scenario of `tests/vectors`: the engine gives what the live Python engine gave, after every step.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use coinjecture_consensus::json::{parse, write_ordered, MAX_LEVELS};
use coinjecture_consensus::python::{hex, Dict};
use coinjecture_consensus::{Block, Engine, Judgement, Profile, Rules, Value};

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

fn document(text: &str) -> Dict<'_> {
    match parse(text.as_bytes(), MAX_LEVELS).expect("vectors are JSON") {
        Value::Dict(dict) => dict,
        other => panic!("expecting an object, got {other:?}"),
    }
}

fn text(dict: &Dict<'_>, key: &str) -> String {
    match dict.get(key.as_bytes()) {
        Some(Value::Str(text)) => String::from_utf8(text.to_vec()).expect("vectors are ASCII"),
        other => panic!("{key}: expecting a text, got {other:?}"),
    }
}

fn number(dict: &Dict<'_>, key: &str) -> f64 {
    dict.get(key.as_bytes()).and_then(Value::as_num).and_then(|num| num.to_f64().ok()).expect("a number")
}

fn json(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    write_ordered(value, &mut out);
    String::from_utf8(out).expect("JSON is ASCII")
}

fn bits(value: Option<f64>) -> String {
    match value {
        None => "null".to_owned(),
        Some(value) if value.is_nan() => "\"nan\"".to_owned(),
        Some(value) => format!("\"{:016x}\"", value.to_bits()),
    }
}

/// A height as the vectors print it: a number where it is an integer below 2^53 in size, else its JSON text.
fn height(value: &Value<'_>) -> String {
    match value {
        Value::Int(value) if value.abs() < 1 << 53 => value.to_string(),
        other => format!("\"{}\"", json(other)),
    }
}

/// What the engine gave, printed like the `expect` of a step.
fn outcome(judgement: &Judgement, engine: &Engine) -> String {
    let tip = engine.tree().tip().expect("there is always a tip");
    let stored = judgement.node.as_ref().map(|node| {
        let key = &node.hash.key;
        engine.tree().get(key).expect("the node was put into the tree")
    });
    let verdict = if judgement.accepted() { "accept" } else { "reject" };
    let reason = judgement.reason().map_or("null".to_owned(), |reason| format!("\"{}\"", reason.code()));
    let hash = judgement.computed_hash.map_or("null".to_owned(), |hash| format!("\"{}\"", hex(&hash)));
    format!(
        "verdict \"{verdict}\" reason {reason} computed_hash {hash} work_bits {} height {} cumulative_bits {} \
         tip_hash_json {} tip_cumulative_bits {}",
        bits(judgement.work),
        stored.as_ref().map_or("null".to_owned(), |node| height(&node.height)),
        bits(stored.as_ref().map(|node| node.cumulative)),
        json(&Value::text(&json(&tip.hash.value()))),
        bits(Some(tip.cumulative)),
    )
}

fn expected(expect: &Dict<'_>) -> String {
    let mut out = String::new();
    for key in [
        "verdict",
        "reason",
        "computed_hash",
        "work_bits",
        "height",
        "cumulative_bits",
        "tip_hash_json",
        "tip_cumulative_bits",
    ] {
        write!(out, "{key} {} ", json(expect.get(key.as_bytes()).expect("every field is there"))).unwrap();
    }
    out.trim_end().to_owned()
}

fn run(file: &str, scenarios: usize, steps: usize) {
    let genesis_text = fs::read_to_string(vectors().join("genesis.json")).expect("genesis.json");
    let genesis = document(&genesis_text);
    let lines = fs::read_to_string(vectors().join(file)).expect("vectors");
    let (mut scenarios_run, mut steps_run) = (0, 0);
    for line in lines.lines() {
        let scenario = document(line);
        let Some(Value::Dict(start)) = genesis.get(text(&scenario, "genesis").as_bytes()) else { panic!("genesis") };
        let block = text(start, "block_json");
        let block = Block::parse(block.as_bytes()).expect("the genesis is a block");
        let mut engine = Engine::new(&block, number(start, "received_at"), Rules::default()).expect("an engine");
        let profile = Profile::named(&text(&scenario, "profile")).expect("a profile");
        let Some(Value::List(steps)) = scenario.get(b"steps") else { panic!("steps") };
        for (position, step) in steps.iter().enumerate() {
            let step = step.dict().expect("a step is an object");
            let block_json = text(step, "block_json");
            let block = Block::parse(block_json.as_bytes()).expect("a step's block is JSON");
            assert_eq!(block.out_of_domain(), None);
            let judgement = engine.judge(&block, number(step, "received_at"), profile).expect("a verdict");
            engine.apply(&judgement).expect("a fresh judgement applies");
            assert_eq!(judgement.tip_cumulative.to_bits(), engine.tree().tip().expect("a tip").cumulative.to_bits());
            let expect = step.get(b"expect").expect("expect").dict().expect("an object");
            let name = text(&scenario, "name");
            assert_eq!(outcome(&judgement, &engine), expected(expect), "{name} step {position}");
            steps_run += 1;
        }
        let exported = engine.export();
        let mut copy = Engine::new(&block_of(start), 0.0, Rules::default()).expect("an engine");
        copy.import(&exported).expect("an export can be imported");
        assert_eq!(copy.export(), exported);
        scenarios_run += 1;
    }
    assert_eq!((scenarios_run, steps_run), (scenarios, steps));
}

fn block_of(start: &Dict<'_>) -> Block<'static> {
    let text = text(start, "block_json");
    let dict = Value::Dict(document(&text)).into_owned();
    let Value::Dict(dict) = dict else { panic!("a block is an object") };
    Block::from_dict(dict)
}

#[test]
fn the_header_profile_judges_every_scenario_as_the_live_engine() {
    run("header.jsonl", 508, 809);
}

#[test]
fn the_full_profile_judges_every_scenario_as_the_live_engine() {
    run("full.jsonl", 507, 806);
}
