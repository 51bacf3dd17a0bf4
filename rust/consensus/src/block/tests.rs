//! What a block is, against what any text gives, and where the domain ends.

use super::*;
use crate::json::parser::parse;
use crate::json::writer::write_ordered;
use crate::rules::work::reported_work;

const USUAL: &str = r#"{"index": 1, "timestamp": 1700000001.5, "previous_hash": "00ff", "transactions": [{"id": "tx",
"payload": {"from": "a \\u00fcser", "amount": 4}}], "merkle_root": "ab", "problem": {"numbers": [59540, 3, 70], "target": 73,
"size": 3, "type": "subset_sum"}, "solution": [3, 70], "complexity": {"time_solve_O": "O(2^n)",
"time_solve_Omega": "x", "time_solve_Theta": null, "time_verify_O": "O(n)", "time_verify_Omega": "x",
"time_verify_Theta": "x", "space_solve_O": "x", "space_solve_Omega": "x", "space_solve_Theta": null,
"space_verify_O": "x", "space_verify_Omega": "x", "space_verify_Theta": "x", "problem_class": "NP-Complete",
"problem_size": 3, "solution_size": 2, "epsilon_approximation": null, "asymmetry_time": 630.1538461538462,
"asymmetry_space": 1.5, "measured_solve_time": 0.146285972, "measured_verify_time": 1.87e-06,
"measured_solve_space": 1939416, "measured_verify_space": 120, "energy_metrics": {"solve_energy_joules": 14.5,
"verify_energy_joules": 1.87e-06, "solve_power_watts": 100, "verify_power_watts": 1, "solve_time_seconds": 0.1,
"verify_time_seconds": 1e-06, "cpu_utilization": 80.0, "memory_utilization": 50.0, "gpu_utilization": 0.0},
"problem": {"numbers": [59540, 3, 70], "target": 73, "size": 3, "type": "subset_sum"}, "solution_quality": 1.0},
"mining_capacity": "desktop", "cumulative_work_score": 1994434516.0788743, "offchain_cid": null,
"proof_commitment": "51", "block_hash": "9a"}"#;

fn usual() -> String {
    USUAL.replace('\n', " ")
}

/// Whether a text is read as a usual block. Then it has to be the block that any text would give.
fn is_usual(text: &[u8]) -> bool {
    let Some(read) = fast_path::read(text) else { return false };
    let quick = Block::of_fast_path(read, text.len());
    let told = |block: &Block<'_>| {
        let (hash, work, out) =
            (block.computed_hash(), reported_work(block, 11).map(f64::to_bits), block.out_of_domain());
        let mut content = Vec::new();
        write_ordered(&Value::Dict(block.dict.clone()), &mut content);
        format!("{content:?} {:?} {} {hash:?} {work:?} {out:?}", block.places, block.bytes)
    };
    let text = String::from_utf8_lossy(text);
    assert_eq!(Block::parse_any(text.as_bytes()).map(|block| told(&block)), Ok(told(&quick)), "{text}");
    true
}

#[test]
fn the_usual_text_gives_the_block_that_any_text_gives() {
    let text = usual();
    assert!(is_usual(text.as_bytes()));
    let mut odd = 0;
    for at in 0..text.len() {
        let (before, behind) = text.as_bytes().split_at(at);
        let (byte, behind) = behind.split_at(1);
        assert!(!is_usual(before));
        for other in *b"0 9-.eE+\"\\,:[]{}nx\x1f\x7f" {
            odd += usize::from(!is_usual(&[before, &[other], behind].concat()));
            odd += usize::from(!is_usual(&[before, &[other], byte, behind].concat()));
        }
        is_usual(&[before, behind].concat());
    }
    assert!(odd > text.len());
}

#[test]
fn numbers_of_a_usual_text_are_those_of_any_text() {
    let text = usual();
    let fields = [
        "index",
        "timestamp",
        "cumulative_work_score",
        "target",
        "size",
        "problem_size",
        "asymmetry_time",
        "numbers\": [",
        "measured_verify_time",
        "solve_energy_joules",
        "gpu_utilization",
        "solution\": [",
        "solution_quality",
    ];
    let mut quick = 0;
    for field in fields {
        let key = if field.ends_with('[') { format!("\"{field}") } else { format!("\"{field}\": ") };
        let Some(start) = text.find(&key).map(|at| at + key.len()) else { continue };
        let end = text[start..].find([',', '}', ']']).map_or(start, |length| start + length);
        for literal in [
            "0",
            "7",
            "00",
            "01",
            "-0",
            "-1",
            "12345678",
            "123456789",
            "999999999999999999",
            "1000000000000000000",
            "12345678901234567890",
            "0.0",
            "-0.0",
            "0.1",
            "1.",
            "1.0",
            "100.0",
            "1.50",
            "0.30000000000000004",
            "1e5",
            "1e",
            "1e+",
            "1.5e",
            "1.5e3",
            "1.5E-3",
            "1.5e+30",
            "1e400",
            "1.5e400",
            "5e-324",
            "4.9e-324",
            "0.00001",
            "0.0001",
            "123456789012345678.0",
            "9007199254740993.0",
            "9007199254740992.5",
            "999999999999999.9",
            "0.1234567890123456789",
            "12345678.90123456",
            "1.0000000000000000000000000001",
            "9007199254740991.0",
            "NaN",
            "Infinity",
            "null",
            "true",
            "\"1\"",
            "[1]",
            "[[[]]]",
            "{}",
            "",
            "4096",
            "4097",
            "2.2250738585072011e-308",
            "8.5070591730234616e37",
        ] {
            let changed = [&text[..start], literal, &text[end..]].concat();
            quick += usize::from(is_usual(changed.as_bytes()));
        }
    }
    assert!(quick > 200, "{quick}");
}

#[test]
fn what_is_out_of_the_ordinary_is_no_usual_text() {
    let text = usual();
    let with = |old: &str, new: &str| text.replacen(old, new, 1);
    let deep = format!("{}{}", "[".repeat(63), "]".repeat(63));
    assert!(is_usual(with("\"x\"", &deep[1..125]).as_bytes()));
    for changed in [
        with("\"x\"", &deep),
        with("\"index\": 1", "\"index\":1"),
        with("\"index\": 1", "\"index\": 1, \"index\": 1"),
        with("\"00ff\"", "\"\\u0030\""),
        with("\"00ff\"", "\"\u{e9}\""),
        with("\"00ff\"", "null"),
        with("[3, 70]", "[]"),
        with("[3, 70]", "[3,70]"),
        format!("{text} "),
        format!("{text}x"),
        format!(" {text}"),
        format!("\u{feff}{text}"),
    ] {
        assert!(!is_usual(changed.as_bytes()), "{changed}");
    }
    for length in [1, 31, 32, 33, 64, 65] {
        let list = (1..=length).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        assert!(is_usual(with("[59540, 3, 70]", &format!("[{list}]")).as_bytes()), "{length}");
    }
    assert!(is_usual(with("\"desktop\"", "\"none\"").as_bytes()));
}

#[test]
fn the_domain_ends_where_the_rules_page_says() {
    let why = |text: &str| Block::parse(text.as_bytes()).map(|block| block.out_of_domain().is_some());
    for (size, form, outside) in [
        ("4096", "O(2^n)", false),
        ("4097", "O(2^n)", true),
        ("-4097", "Theta( n! )", true),
        ("NaN", "n^n", true),
        ("4096.5", "n^n", true),
        ("1e9", "n^3", false),
        ("\"x\"", "2^n", false),
    ] {
        let text = format!(r#"{{"complexity": {{"problem_size": {size}, "time_verify_O": "{form}"}}}}"#);
        assert_eq!(why(&text), Ok(outside), "{text}");
    }
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    assert_eq!(why(&padded(MAX_BYTES)), Ok(false));
    assert_eq!(why(&padded(MAX_BYTES + 1)), Ok(true));
    let nested = |levels: usize| format!("{{\"x\": {}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert_eq!(why(&nested(64)), Ok(false));
    assert_eq!(why(&nested(65)), Ok(true));
    assert!(why("[]").is_err());
}

fn refused(text: &str) -> bool {
    Block::parse(text.as_bytes()).is_err()
}

/// A block from text, as one from Python objects.
fn object(text: &str) -> Block<'static> {
    match parse(text.as_bytes(), MAX_LEVELS) {
        Ok(Value::Dict(dict)) => Block::from_dict(dict.into_owned()),
        _ => Block::unread(format!("no dict: {text}")),
    }
}

#[test]
fn only_an_object_is_a_block_nested_too_deep() {
    let deep = format!("{}{}", "[".repeat(MAX_LEVELS + 1), "]".repeat(MAX_LEVELS + 1));
    assert!(refused(&deep));
    assert!(refused(&format!("  {deep}")));
    assert!(!refused(&format!(" {{\"x\": {deep}}}")));
    assert!(refused("{\"x\": [}"));
    assert!(refused("{\"x\": 1"));
}

#[test]
fn bytes_are_read_as_utf8_or_not_at_all() {
    let read = |raw: &[u8]| Block::read(raw).dict().len();
    assert_eq!(read(b"{\"index\": 1}"), 1);
    assert_eq!(read("{\"index\": \"\u{fc}\"}".as_bytes()), 1);
    assert_eq!(read(b"{\"index\": \"\xff\"}"), 0);
}

#[test]
fn an_object_of_more_canonical_bytes_than_a_text_may_have_leaves_the_domain() {
    let sized = |bytes: usize| {
        let block = object(&format!("{{\"x\": \"{}\"}}", "y".repeat(bytes - 9)));
        assert_eq!(block.bytes, bytes);
        block.out_of_domain().is_some()
    };
    assert!(!sized(MAX_BYTES - 1));
    assert!(!sized(MAX_BYTES));
    assert!(sized(MAX_BYTES + 1));
    assert!(sized(MAX_BYTES + 2));
}

/// As `json.loads` makes it, and as arithmetic or `struct` can: Python's own NaN decides by identity.
#[test]
fn a_foreign_nan_as_a_key_leaves_the_domain() {
    let foreign = f64::from_bits(f64::NAN.to_bits() | 1);
    let with = |key: &'static str, value: f64| {
        let dict = Dict::from_pairs(vec![(key.as_bytes().into(), Value::Float(value))]);
        Block::from_dict(dict).out_of_domain().is_some()
    };
    for key in ["block_hash", "previous_hash"] {
        assert!(with(key, foreign), "{key}");
        assert!(with(key, -f64::NAN), "{key}");
        assert!(!with(key, f64::NAN), "{key}");
        assert!(!with(key, 1.5), "{key}");
    }
    assert!(!with("merkle_root", foreign));
}

#[test]
fn the_time_a_block_may_take_grows_with_its_bytes_its_elements_and_its_powers() {
    let usual = object(&usual());
    let took = |old: &str, new: &str| object(&self::usual().replacen(old, new, 1)).expected_nanoseconds();
    let now = usual.expected_nanoseconds();
    let bytes = |block: &Block<'_>| u64::try_from(block.bytes).unwrap_or(0) * NANOSECONDS_PER_BYTE;
    assert_eq!(now, bytes(&usual) + 5 * NANOSECONDS_PER_ELEMENT);
    assert_eq!(
        took("\"solution\": [3, 70]", "\"solution\": [3, 7, 0]") - now,
        NANOSECONDS_PER_ELEMENT + 2 * NANOSECONDS_PER_BYTE
    );
    let sized = |size: &str, form: &str| {
        let text = self::usual().replacen("\"O(2^n)\"", form, 1);
        let block = object(&text.replacen("\"problem_size\": 3", &format!("\"problem_size\": {size}"), 1));
        block.expected_nanoseconds() - bytes(&block) - 5 * NANOSECONDS_PER_ELEMENT
    };
    for (size, form, expected) in [
        ("1000", "\"O(2^n)\"", 0),
        ("1001", "\"O(2^n)\"", NANOSECONDS_OF_AN_EXPLOSION),
        ("1001", "\"O(n)\"", 0),
        ("1000.0", "\"O(2^n)\"", 0),
        ("1000.5", "\"O(2^n)\"", NANOSECONDS_OF_AN_EXPLOSION),
        ("null", "\"O(2^n)\"", 0),
    ] {
        assert_eq!(sized(size, form), expected, "{size} {form}");
    }
    let incomplete = object("{\"index\": 1}");
    assert_eq!(incomplete.expected_nanoseconds(), bytes(&incomplete));
}

/// Kawi digits came with Unicode 15, which is Python 3.12.
#[test]
fn the_work_score_is_that_of_the_python_that_is_asked_for() {
    let block = object(&usual().replacen("O(2^n)", "O(n^\u{11f52})", 1));
    let work = |minor: u8| reported_work(&block, minor).map(f64::to_bits);
    assert!(work(11).is_some() && work(12).is_some());
    assert_ne!(work(12), work(11));
}

#[test]
fn the_hash_of_a_dict_is_that_of_its_block() {
    let block = object(&usual());
    assert_eq!(header_hash(block.dict()), block.computed_hash());
    assert!(block.computed_hash().is_ok());
    assert_eq!(header_hash(object("{}").dict()), Err(Exception::Key));
    let tier = usual().replacen("\"desktop\"", "\"none\"", 1);
    assert_eq!(header_hash(object(&tier).dict()), Err(Exception::Value));
}
