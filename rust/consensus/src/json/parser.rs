//! Reading JSON exactly as `CPython`'s `json.loads` reads a `str`.
//!
//! So `NaN`, `Infinity`, `-0`, integers of up to 4300 digits and lone surrogates (as escapes) are values, and text is
//! borrowed from the input wherever it holds no escape.
//!
//! How deep a value is nested is judged of what `json.loads` gives: a value that is too deep does no harm where a
//! later one of the same key overrules it. So a text is read deeper than a value may be, and what lies too deep is
//! checked and not built.

use std::borrow::Cow;
use std::collections::BTreeSet;

use num_bigint::BigInt;

use super::lexer::{JsonError, Lexed, Lexer, Literal, Plain};
use super::schema::{Part, Schema};
use crate::python::double;
use crate::python::number::Num;
use crate::python::text::{push_code_point, Text};
use crate::python::value::{Dict, GrowingDict, Value};

/// Parses one JSON document of at most `levels` levels. `input` is generalised UTF-8.
///
/// # Errors
/// [`JsonError`] where `json.loads` raises, or where the value or the text is nested too deep.
pub fn parse(input: &[u8], levels: usize) -> Result<Value<'_>, JsonError> {
    parse_by(input, levels, None)
}

/// As [`parse`], of an object keeping only what a schema says.
///
/// # Errors
/// As [`parse`].
pub fn parse_by<'a>(input: &'a [u8], levels: usize, schema: Option<&'static Schema>) -> Result<Value<'a>, JsonError> {
    if input.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError { what: "unexpected byte order mark", at: 0, too_deep: false });
    }
    let mut parser = Parser { lexer: Lexer::new(input), levels, deep: false, members: Vec::with_capacity(MEMBERS) };
    parser.document(schema).map_err(|error| *error)
}

/// Members of lists for which there is room at once.
const MEMBERS: usize = 32;

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// Levels that a value may have.
    levels: usize,
    /// Whether what was read last holds something that lies too deep.
    deep: bool,
    /// Members of the lists that are being read.
    members: Vec<Value<'a>>,
}

impl<'a> Parser<'a> {
    fn document(&mut self, schema: Option<&'static Schema>) -> Lexed<Value<'a>> {
        self.lexer.skip_white();
        let mut value = Value::Null;
        match (self.lexer.peek(), schema) {
            (Some(b'{'), Some(schema)) => self.object_by(1, schema, &mut value)?,
            _ => self.value(0, &mut value)?,
        }
        self.lexer.skip_white();
        if !self.lexer.rest().is_empty() {
            return Err(self.lexer.error("extra data"));
        }
        if self.deep {
            return Err(self.lexer.too_deep());
        }
        Ok(value)
    }

    /// Reads a value with `level` levels around it into its place. A value that were returned would be copied.
    fn value(&mut self, level: usize, place: &mut Value<'a>) -> Lexed<()> {
        match self.lexer.peek() {
            Some(b'"') => {
                self.lexer.accept(b'"');
                *place = Value::Str(self.string()?);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(place),
            Some(b'{' | b'[') if level >= self.levels => {
                self.lexer.skip_value(level)?;
                self.deep = true;
                Ok(())
            }
            Some(b'{') => self.object(level + 1, place),
            Some(b'[') => self.list(level + 1, place),
            _ => self.constant(place),
        }
    }

    fn constant(&mut self, place: &mut Value<'a>) -> Lexed<()> {
        *place = match () {
            () if self.lexer.word(b"null") => Value::Null,
            () if self.lexer.word(b"true") => Value::Bool(true),
            () if self.lexer.word(b"false") => Value::Bool(false),
            () if self.lexer.word(b"NaN") => Value::Float(f64::NAN),
            () if self.lexer.word(b"Infinity") => Value::Float(f64::INFINITY),
            () => return Err(self.lexer.error("expecting a value")),
        };
        Ok(())
    }

    fn object(&mut self, level: usize, place: &mut Value<'a>) -> Lexed<()> {
        self.lexer.accept(b'{');
        self.lexer.skip_white();
        if self.lexer.accept(b'}') {
            *place = Value::Dict(Dict::default());
            return Ok(());
        }
        let mut survivors = Survivors::of(self);
        let mut dict = GrowingDict::default();
        loop {
            let (key, member) = dict.place(self.key()?);
            self.value(level, member)?;
            survivors.member(self, key);
            if !self.lexer.another(b'}', "expecting ',' or '}'")? {
                break;
            }
        }
        survivors.end(self);
        *place = Value::Dict(dict.finished());
        Ok(())
    }

    /// An object of which a schema says what is kept.
    fn object_by(&mut self, level: usize, schema: &'static Schema, place: &mut Value<'a>) -> Lexed<()> {
        self.lexer.accept(b'{');
        self.lexer.skip_white();
        if self.lexer.accept(b'}') {
            *place = Value::Dict(Dict::default());
            return Ok(());
        }
        let mut survivors = Survivors::of(self);
        let mut dict = Dict::with_capacity(schema.kept());
        let mut first_other = None;
        let mut likely = 0;
        let mut seen = 0_u64; // a bit for every key of the schema
        loop {
            let (key, found) = self.key_among(schema, likely)?;
            likely = found.map_or(likely, |(position, _)| position.saturating_add(1));
            match found {
                None | Some((_, Part::Unread)) => {
                    self.unread(level)?;
                    survivors.member(self, &key);
                    first_other.get_or_insert(key);
                }
                Some((position, part)) => {
                    let bit = 1 << (position % 64);
                    let (key, member) = dict.place(key, seen & bit == 0);
                    seen |= bit;
                    self.member_by(level, part, member)?;
                    survivors.member(self, key);
                }
            }
            if !self.lexer.another(b'}', "expecting ',' or '}'")? {
                break;
            }
        }
        survivors.end(self);
        if let Some(key) = first_other.filter(|_| dict.is_empty()) {
            dict.insert(key, Value::Null);
        }
        *place = Value::Dict(dict);
        Ok(())
    }

    fn member_by(&mut self, level: usize, part: Part, place: &mut Value<'a>) -> Lexed<()> {
        match (part, self.lexer.peek()) {
            (Part::Members(members), Some(b'{')) => self.object_by(level + 1, members, place),
            (Part::Kept | Part::Members(_), _) => self.value(level, place),
            (Part::Presence | Part::Unread, _) => self.unread(level),
        }
    }

    /// Checks a value that is not kept. If its text is nested too deep, reading it tells whether the value is.
    fn unread(&mut self, level: usize) -> Lexed<()> {
        let start = self.lexer.rest();
        if self.lexer.skip_value(level)? > self.levels {
            self.lexer.back_to(start);
            self.value(level, &mut Value::Null)?;
        }
        Ok(())
    }

    /// The next key, and where in the schema it is. Most often it is the one that usually comes here.
    #[inline]
    fn key_among(&mut self, schema: &'static Schema, likely: usize) -> Lexed<(Text<'a>, Option<(usize, Part)>)> {
        if let Some((usual, part)) = schema.at(likely) {
            if self.lexer.usual_key(usual.as_bytes()) {
                return Ok((Cow::Borrowed(usual.as_bytes()), Some((likely, part))));
            }
        }
        let key = self.key()?;
        let found = schema.find(&key);
        Ok((key, found))
    }

    fn key(&mut self) -> Lexed<Text<'a>> {
        self.lexer.open_key()?;
        let key = self.string()?;
        self.lexer.colon()?;
        Ok(key)
    }

    fn list(&mut self, level: usize, place: &mut Value<'a>) -> Lexed<()> {
        self.lexer.accept(b'[');
        self.lexer.skip_white();
        if self.lexer.accept(b']') {
            *place = Value::List(Vec::new());
            return Ok(());
        }
        let start = self.members.len();
        loop {
            if let Some(number) = self.lexer.member_of_few_digits() {
                self.members.push(Value::Int(number));
            } else {
                let mut member = Value::Null;
                self.value(level, &mut member)?;
                self.members.push(member);
            }
            if !self.lexer.another(b']', "expecting ',' or ']'")? {
                *place = Value::List(self.members.split_off(start));
                return Ok(());
            }
        }
    }

    #[inline]
    fn number(&mut self, place: &mut Value<'a>) -> Lexed<()> {
        *place = match self.lexer.literal()? {
            Literal::MinusInfinity => Value::Float(f64::NEG_INFINITY),
            Literal::Small(value) => Value::Int(value),
            Literal::Large(negative, digits) => integer(negative, digits),
            Literal::Float(text) => {
                Value::Float(double::read(text).ok_or_else(|| self.lexer.error("expecting a number"))?)
            }
        };
        Ok(())
    }

    /// A string whose opening quote has been read.
    #[inline]
    fn string(&mut self) -> Lexed<Text<'a>> {
        match self.lexer.plain()? {
            Plain::Complete(text) => Ok(Cow::Borrowed(text)),
            Plain::UntilEscape(text) => self.string_with_escapes(text).map(Cow::Owned),
        }
    }

    fn string_with_escapes(&mut self, begin: &[u8]) -> Lexed<Vec<u8>> {
        let mut text = begin.to_vec();
        loop {
            push_code_point(&mut text, self.lexer.escape()?);
            match self.lexer.plain()? {
                Plain::Complete(part) => {
                    text.extend_from_slice(part);
                    return Ok(text);
                }
                Plain::UntilEscape(part) => text.extend_from_slice(part),
            }
        }
    }
}

/// Keeps account, while an object is read, of the keys whose value so far holds something that lies too deep.
struct Survivors<'a> {
    around: bool,
    deep: BTreeSet<Text<'a>>,
}

impl<'a> Survivors<'a> {
    fn of(parser: &mut Parser<'a>) -> Self {
        Self { around: std::mem::take(&mut parser.deep), deep: BTreeSet::new() }
    }

    /// A member has been read.
    #[inline]
    fn member(&mut self, parser: &mut Parser<'a>, key: &Text<'a>) {
        if parser.deep {
            self.deep.insert(key.clone());
            parser.deep = false;
        } else if !self.deep.is_empty() {
            self.deep.remove(key);
        }
    }

    fn end(self, parser: &mut Parser<'a>) {
        parser.deep = self.around || !self.deep.is_empty();
    }
}

/// An integer literal of many decimal digits.
fn integer(negative: bool, digits: &[u8]) -> Value<'static> {
    let magnitude = BigInt::parse_bytes(digits, 10).unwrap_or_default();
    Num::from(if negative { -magnitude } else { magnitude }).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::limits::{MAX_LEVELS, MAX_TEXT_LEVELS};
    use crate::json::writer::write_sorted;

    /// What `json.dumps(json.loads(text), sort_keys=True)` gives, or the error.
    fn round_trip(text: &str) -> Result<String, &'static str> {
        let value = parse(text.as_bytes(), MAX_LEVELS).map_err(|error| error.what)?;
        let mut out = Vec::new();
        write_sorted(&value, &mut out);
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    #[test]
    fn texts_that_python_reads() {
        for (text, expected) in [
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("1e400", "Infinity"),
            ("[NaN,-Infinity , Infinity]", "[NaN, -Infinity, Infinity]"),
            (" \t\n\r{ \"b\" : 1 , \"a\" : 2 } ", "{\"a\": 2, \"b\": 1}"),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a": 3, "b": 2}"#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83dx\ude00""#, r#""\ud83dx\ude00""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ud83d\ud83d\ude00""#),
            ("\"\u{7f}\u{e9}\u{1f600}\"", r#""\u007f\u00e9\ud83d\ude00""#),
            (r#""\/\b\f\n\r\t\"\\""#, r#""/\b\f\n\r\t\"\\""#),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("1E5", "100000.0"),
        ] {
            assert_eq!(round_trip(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn texts_that_python_refuses() {
        for text in [
            "",
            " ",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "nan",
            "[1,]",
            "{\"a\":1,}",
            "{'a':1}",
            "\"\u{1f}\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\ud83d\\u12g4\"",
            "\"",
            "[1 2]",
            "{\"a\" 1}",
            "1 1",
            "\u{feff}1",
            "tru",
            "[",
            "{",
            "\u{a0}1",
        ] {
            assert!(round_trip(text).is_err(), "{text}");
        }
    }

    #[test]
    fn integers_end_at_4300_digits() {
        assert!(round_trip(&"9".repeat(4300)).is_ok());
        assert!(round_trip(&format!("-{}", "9".repeat(4300))).is_ok());
        assert_eq!(round_trip(&"9".repeat(4301)), Err("integer of more than 4300 digits"));
    }

    #[test]
    fn levels_end_at_64() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(64).as_bytes(), MAX_LEVELS).is_ok());
        assert_eq!(too_deep(&nested(65)), Some(true));
    }

    /// Whether a text is no value because it is too deep; `None` if it is one.
    fn too_deep(text: &str) -> Option<bool> {
        let full = parse(text.as_bytes(), MAX_LEVELS).err().map(|error| error.too_deep);
        let partly = parse_by(text.as_bytes(), MAX_LEVELS, Some(&ONLY_A)).err().map(|error| error.too_deep);
        assert_eq!(full, partly, "{text}");
        full
    }

    static ONLY_A: Schema = Schema::new(&[("a", Part::Members(&ONLY_C)), ("p", Part::Presence)]);
    static ONLY_C: Schema = Schema::new(&[("c", Part::Kept)]);

    #[test]
    fn levels_are_counted_of_what_is_not_overruled() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for levels in [63, 64, 100, 511] {
            let deep = deep(levels);
            let outside = (levels > 63).then_some(true);
            for (text, expected) in [
                (format!(r#"{{"a": {deep}}}"#), outside),
                (format!(r#"{{"b": {deep}}}"#), outside),
                (format!(r#"{{"a": {deep}, "a": 1}}"#), None),
                (format!(r#"{{"b": {deep}, "b": 1}}"#), None),
                (format!(r#"{{"b": {deep}, "\u0062": 1}}"#), None),
                (format!(r#"{{"a": 1, "a": {deep}}}"#), outside),
                (format!(r#"{{"b": {deep}, "a": 1, "b": {deep}}}"#), outside),
                (format!(r#"{{"a": {deep}, "b": {deep}, "a": 1}}"#), outside),
                (format!(r#"[{deep}, {{"b": 1, "b": 2}}]"#), outside),
                (format!(r#"{{"a": {{"b": 1}}, "c": {deep}}}"#), outside),
            ] {
                assert_eq!(too_deep(&text), expected, "{text}");
            }
        }
        let inside =
            |levels: usize| format!(r#"{{"b": [{{"x": {0}, "x": 1}}], "a": {{"x": {0}, "x": []}}}}"#, deep(levels));
        assert_eq!(too_deep(&inside(200)), None);
    }

    #[test]
    fn a_text_beyond_the_levels_that_are_read_is_not_read_on() {
        let overruled =
            |levels: usize| format!(r#"{{"a": {}{}, "a": 1}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert_eq!(too_deep(&overruled(MAX_TEXT_LEVELS)), None);
        assert_eq!(too_deep(&overruled(MAX_TEXT_LEVELS + 1)), Some(true));
        for opening in ["[", "{\"a\":", "[{\"b\":"] {
            assert_eq!(too_deep(&opening.repeat((1 << 20) / opening.len())), Some(true), "{opening}");
        }
        assert_eq!(too_deep(&"[".repeat(MAX_TEXT_LEVELS)), Some(false));
    }

    #[test]
    fn what_is_not_kept_is_checked_and_left_out() {
        let kept = |text: &str| {
            let value = parse_by(text.as_bytes(), MAX_LEVELS, Some(&ONLY_A)).map_err(|error| error.what)?;
            let mut out = Vec::new();
            crate::json::writer::write_ordered(&value, &mut out);
            Ok::<_, &str>(String::from_utf8(out).unwrap_or_default())
        };
        for (text, expected) in [
            (r#"{"b": [1, {"x": null}, "\n"], "a": 1, "c": 2}"#, Ok(r#"{"a": 1}"#)),
            (r#"{"a": 1, "b": 2, "a": [1, {"b": 1}]}"#, Ok(r#"{"a": [1, {"b": 1}]}"#)),
            (r#"{"\u0061": {"b": 1, "c": {"d": 1}}}"#, Ok(r#"{"a": {"c": {"d": 1}}}"#)),
            (r#"{"a": {"b": 1, "d": 2}}"#, Ok(r#"{"a": {"b": null}}"#)),
            (r#"{"a": {}}"#, Ok(r#"{"a": {}}"#)),
            (r#"{"b": 1, "p": [2], "p": 3}"#, Ok(r#"{"p": null}"#)),
            ("{}", Ok("{}")),
            (r#"["b", {"b": 1}]"#, Ok(r#"["b", {"b": 1}]"#)),
            (r#"{"b": tru}"#, Err("expecting a value")),
            (r#"{"b": 01}"#, Err("expecting ',' or '}'")),
            (r#"{"b": [1,]}"#, Err("expecting a value")),
            (r#"{"b": {"c" 1}}"#, Err("expecting ':'")),
            (r#"{"b": "\x"}"#, Err("invalid escape")),
            (r#"{"b": "\ud800\u12"}"#, Err("invalid \\uXXXX escape")),
        ] {
            assert_eq!(kept(text).as_deref(), expected.as_ref().map(|text| *text), "{text}");
        }
        let digits = |count: usize| format!(r#"{{"b": {}}}"#, "9".repeat(count));
        assert!(kept(&digits(4300)).is_ok());
        assert_eq!(kept(&digits(4301)), Err("integer of more than 4300 digits"));
    }
}
