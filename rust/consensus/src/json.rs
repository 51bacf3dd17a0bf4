//! Reading JSON exactly as `CPython`'s `json.loads` reads a `str`.
//!
//! So `NaN`, `Infinity`, `-0`, integers of up to 4300 digits and lone surrogates (as escapes) are values, and text is
//! borrowed from the input wherever it holds no escape.

use std::borrow::Cow;

use num_bigint::BigInt;
use thiserror::Error;

use crate::value::{Dict, Text, Value};

/// `CPython` refuses to convert a longer literal to an `int`.
pub const MAX_INT_DIGITS: usize = 4300;

/// Levels of lists and objects in the parity domain; the outermost is the first.
pub const MAX_LEVELS: usize = 64;

/// Why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} at byte {at}")]
pub struct JsonError {
    /// What is wrong.
    pub what: &'static str,
    /// Offset in bytes.
    pub at: usize,
    /// Whether the text may be JSON and is only nested too deep for us.
    pub too_deep: bool,
}

/// Parses one JSON document of at most `levels` levels. `input` is generalised UTF-8.
///
/// # Errors
/// [`JsonError`] where `json.loads` raises, or where the text is nested deeper.
pub fn parse(input: &[u8], levels: usize) -> Result<Value<'_>, JsonError> {
    if input.starts_with(b"\xef\xbb\xbf") {
        return Err(JsonError { what: "unexpected byte order mark", at: 0, too_deep: false });
    }
    let mut parser = Parser { input, at: 0 };
    parser.skip_white();
    let value = parser.value(levels)?;
    parser.skip_white();
    if parser.at < input.len() {
        return Err(parser.error("extra data"));
    }
    Ok(value)
}

struct Parser<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    const fn error(&self, what: &'static str) -> JsonError {
        JsonError { what, at: self.at, too_deep: false }
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn slice(&self, start: usize, end: usize) -> &'a [u8] {
        self.input.get(start..end).unwrap_or_default()
    }

    fn skip_white(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn value(&mut self, levels: usize) -> Result<Value<'a>, JsonError> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Value::Str)
            }
            Some(b'{') => self.deeper(levels, Self::object),
            Some(b'[') => self.deeper(levels, Self::list),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.word(b"null") => Ok(Value::Null),
            _ if self.word(b"true") => Ok(Value::Bool(true)),
            _ if self.word(b"false") => Ok(Value::Bool(false)),
            _ if self.word(b"NaN") => Ok(Value::Float(f64::NAN)),
            _ if self.word(b"Infinity") => Ok(Value::Float(f64::INFINITY)),
            _ => Err(self.error("expecting a value")),
        }
    }

    fn deeper(
        &mut self,
        levels: usize,
        container: fn(&mut Self, usize) -> Result<Value<'a>, JsonError>,
    ) -> Result<Value<'a>, JsonError> {
        let Some(inner) = levels.checked_sub(1) else {
            return Err(JsonError { what: "nested too deep", at: self.at, too_deep: true });
        };
        self.at += 1;
        self.skip_white();
        container(self, inner)
    }

    fn object(&mut self, levels: usize) -> Result<Value<'a>, JsonError> {
        let mut pairs = Vec::new();
        if self.accept(b'}') {
            return Ok(Value::Dict(Dict::default()));
        }
        loop {
            if !self.accept(b'"') {
                return Err(self.error("expecting a property name in double quotes"));
            }
            let key = self.string()?;
            self.skip_white();
            if !self.accept(b':') {
                return Err(self.error("expecting ':'"));
            }
            self.skip_white();
            pairs.push((key, self.value(levels)?));
            self.skip_white();
            if self.accept(b'}') {
                return Ok(Value::Dict(Dict::from_pairs(pairs)));
            }
            if !self.accept(b',') {
                return Err(self.error("expecting ',' or '}'"));
            }
            self.skip_white();
        }
    }

    fn list(&mut self, levels: usize) -> Result<Value<'a>, JsonError> {
        let mut items = Vec::new();
        if self.accept(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(levels)?);
            self.skip_white();
            if self.accept(b']') {
                return Ok(Value::List(items));
            }
            if !self.accept(b',') {
                return Err(self.error("expecting ',' or ']'"));
            }
            self.skip_white();
        }
    }

    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        if self.word(b"-Infinity") {
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        let start = self.at;
        let negative = self.accept(b'-');
        let digits_start = self.at;
        if !self.accept(b'0') && self.digits() == 0 {
            return Err(self.error("expecting a value"));
        }
        let digits = self.slice(digits_start, self.at);
        let whole_end = self.at;
        self.fraction_and_exponent();
        if self.at == whole_end {
            return integer(negative, digits).ok_or_else(|| self.error("integer of more than 4300 digits"));
        }
        let text = std::str::from_utf8(self.slice(start, self.at)).unwrap_or_default();
        text.parse().map(Value::Float).map_err(|_| self.error("expecting a number"))
    }

    /// Moves behind a fraction and an exponent, as far as each is complete.
    fn fraction_and_exponent(&mut self) {
        let mut complete = self.at;
        if self.accept(b'.') && self.digits() > 0 {
            complete = self.at;
        }
        self.at = complete;
        if self.accept(b'e') || self.accept(b'E') {
            let _sign = self.accept(b'-') || self.accept(b'+');
            if self.digits() > 0 {
                complete = self.at;
            }
        }
        self.at = complete;
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// A string whose opening quote has been read.
    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        let start = self.at;
        let mut owned: Option<Vec<u8>> = None;
        let mut copied = start;
        loop {
            self.at += self.rest().iter().take_while(|byte| !matches!(**byte, b'"' | b'\\' | 0..=0x1f)).count();
            match self.peek() {
                Some(b'"') => {
                    let tail = self.slice(copied, self.at);
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.extend_from_slice(tail);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let plain = self.slice(copied, self.at);
                    let text = owned.get_or_insert_with(Vec::new);
                    text.extend_from_slice(plain);
                    self.at += 1;
                    let code = self.escape()?;
                    push_code_point(text, code);
                    copied = self.at;
                }
                Some(_) => return Err(self.error("invalid control character")),
                None => return Err(self.error("unterminated string")),
            }
        }
    }

    /// The code point of an escape whose backslash has been read.
    fn escape(&mut self) -> Result<u32, JsonError> {
        let Some(byte) = self.peek() else { return Err(self.error("unterminated string")) };
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => u32::from(byte),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => return self.unicode_escape(),
            _ => return Err(self.error("invalid escape")),
        })
    }

    fn unicode_escape(&mut self) -> Result<u32, JsonError> {
        let first = self.four_hex_digits()?;
        if !(0xd800..0xdc00).contains(&first) || !self.rest().starts_with(b"\\u") {
            return Ok(first);
        }
        let before = self.at;
        self.at += 2;
        let second = self.four_hex_digits()?;
        if (0xdc00..0xe000).contains(&second) {
            return Ok(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        }
        self.at = before;
        Ok(first)
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.error("invalid \\uXXXX escape")) };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// An integer literal of decimal digits; `None` if there are too many.
fn integer(negative: bool, digits: &[u8]) -> Option<Value<'static>> {
    if digits.len() <= 18 {
        let value = digits.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
        return Some(Value::Int(if negative { -value } else { value }));
    }
    if digits.len() > MAX_INT_DIGITS {
        return None;
    }
    let magnitude = BigInt::parse_bytes(digits, 10)?;
    Some(crate::number::Num::from(if negative { -magnitude } else { magnitude }).into())
}

/// Appends a code point, surrogates too, in generalised UTF-8.
pub fn push_code_point(text: &mut Vec<u8>, code: u32) {
    if let Some(char) = char::from_u32(code) {
        let mut buffer = [0; 4];
        text.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
    } else {
        let part = |shift: u32| 0x80 | u8::try_from((code >> shift) & 0x3f).unwrap_or(0);
        text.extend_from_slice(&[0xe0 | u8::try_from((code >> 12) & 0x0f).unwrap_or(0), part(6), part(0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::write_sorted;

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
        let deeper = nested(65);
        let error = parse(deeper.as_bytes(), MAX_LEVELS).map_err(|error| error.too_deep);
        assert_eq!(error.err(), Some(true));
    }
}
