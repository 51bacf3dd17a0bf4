//! The tokens of a JSON text, as `CPython` reads them: found, checked, and stepped over.
//!
//! Most of a block is read by no rule. [`Lexer::skip_value`] checks such a part as exactly as the parser does,
//! and builds nothing.

use thiserror::Error;

use super::bytes::{leading_digits, plain_bytes, printable_bytes, TEN_TO_THE};
use super::limits::{MAX_INT_DIGITS, MAX_TEXT_LEVELS};
use crate::python::double;
use crate::python::value::Value;

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

/// What a step gives. The error is boxed to keep the good case small.
pub type Lexed<T> = Result<T, Box<JsonError>>;

/// A text and a place in it.
#[derive(Debug)]
pub struct Lexer<'a> {
    length: usize,
    /// All that has not been read.
    rest: &'a [u8],
}

/// Where a string ends that has no escape in it, or how far it goes before its first one.
pub enum Plain<'a> {
    /// The whole string; its closing quote has been read.
    Complete(&'a [u8]),
    /// The part before a backslash, which comes next.
    UntilEscape(&'a [u8]),
}

/// A number's literal.
pub enum Literal<'a> {
    /// A whole number of at most [`SMALL_DIGITS`] digits.
    Small(i64),
    /// Any other whole number: its sign and its digits.
    Large(bool, &'a [u8]),
    /// A number with a fraction or an exponent.
    Float(&'a [u8]),
    /// `-Infinity`
    MinusInfinity,
}

/// A number of the usual kind: not below zero, and if it is a whole one, of few digits.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// An `int`
    Int(i64),
    /// A `float`, by its bits: so both kinds fit into the same register.
    Float(u64),
}

impl Number {
    /// The number as a value.
    #[inline(always)]
    pub const fn value(self) -> Value<'static> {
        match self {
            Self::Int(value) => Value::Int(value),
            Self::Float(bits) => Value::Float(f64::from_bits(bits)),
        }
    }
}

/// Powers of ten that are doubles.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Up to this every whole number is a double.
const EXACT: i64 = 1 << 53;

/// Most digits of which every whole number fits 64 bits.
const SMALL_DIGITS: usize = 18;

impl<'a> Lexer<'a> {
    /// A lexer at the beginning of a text.
    pub const fn new(input: &'a [u8]) -> Self {
        Self { length: input.len(), rest: input }
    }

    /// Offset of the next byte.
    pub const fn at(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// An error at this place.
    #[cold]
    pub fn error(&self, what: &'static str) -> Box<JsonError> {
        Box::new(JsonError { what, at: self.at(), too_deep: false })
    }

    /// The error of a text that is not read on, whatever follows.
    #[cold]
    pub fn too_deep(&self) -> Box<JsonError> {
        Box::new(JsonError { what: "nested too deep", at: self.at(), too_deep: true })
    }

    /// The next byte.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// All that has not been read.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes back to what was [`rest`](Self::rest) before.
    pub const fn back_to(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    /// What has been read since `before` was the rest.
    #[inline]
    pub fn since(&self, before: &'a [u8]) -> &'a [u8] {
        before.get(..before.len().saturating_sub(self.rest.len())).unwrap_or_default()
    }

    /// Steps over white space.
    #[inline]
    pub fn skip_white(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', tail @ ..] = self.rest {
            self.rest = tail;
        }
    }

    /// Steps over a byte if it is the next one.
    #[inline]
    pub fn accept(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, tail @ ..] if *first == byte => {
                self.rest = tail;
                true
            }
            _ => false,
        }
    }

    /// Steps over a word if it comes next.
    #[inline(always)]
    pub fn word(&mut self, word: &[u8]) -> bool {
        match self.rest.strip_prefix(word) {
            Some(tail) => {
                self.rest = tail;
                true
            }
            None => false,
        }
    }

    /// After a member: whether another one follows. Else the container has been closed by `end`.
    #[inline]
    pub fn another(&mut self, end: u8, expecting: &'static str) -> Lexed<bool> {
        match self.rest {
            // The usual way to write it, to spare the general one.
            [b',', b' ', next, ..] if *next > b' ' => {
                self.rest = self.rest.get(2..).unwrap_or_default();
                Ok(true)
            }
            [first, tail @ ..] if *first == end => {
                self.rest = tail;
                Ok(false)
            }
            _ => self.another_in_general(end, expecting),
        }
    }

    fn another_in_general(&mut self, end: u8, expecting: &'static str) -> Lexed<bool> {
        self.skip_white();
        if self.accept(b',') {
            self.skip_white();
            return Ok(true);
        }
        if self.accept(end) {
            return Ok(false);
        }
        Err(self.error(expecting))
    }

    /// Steps over the quote that opens a key.
    #[inline]
    pub fn open_key(&mut self) -> Lexed<()> {
        if self.accept(b'"') {
            return Ok(());
        }
        Err(self.error("expecting a property name in double quotes"))
    }

    /// Steps over a key and its colon if it is this one (of no escapes), written as usual; else moves nowhere.
    #[inline]
    pub fn usual_key(&mut self, key: &[u8]) -> bool {
        let behind = match self.rest {
            [b'"', tail @ ..] => tail.strip_prefix(key),
            _ => None,
        };
        match behind {
            Some([b'"', b':', b' ', tail @ ..]) if matches!(tail, [next, ..] if *next > b' ') => {
                self.rest = tail;
                true
            }
            _ => false,
        }
    }

    /// Steps over the colon behind a key.
    #[inline]
    pub fn colon(&mut self) -> Lexed<()> {
        if matches!(self.rest, [b':', b' ', next, ..] if *next > b' ') {
            self.rest = self.rest.get(2..).unwrap_or_default();
            return Ok(());
        }
        self.skip_white();
        if !self.accept(b':') {
            return Err(self.error("expecting ':'"));
        }
        self.skip_white();
        Ok(())
    }

    /// Reads on in a string up to its end or its next escape.
    #[inline]
    pub fn plain(&mut self) -> Lexed<Plain<'a>> {
        let (part, left) = self.rest.split_at(plain_bytes(self.rest));
        self.rest = left;
        match left {
            [b'"', tail @ ..] => {
                self.rest = tail;
                Ok(Plain::Complete(part))
            }
            [b'\\', ..] => Ok(Plain::UntilEscape(part)),
            [_, ..] => Err(self.error("invalid control character")),
            [] => Err(self.error("unterminated string")),
        }
    }

    /// The code point of an escape, of which the backslash comes next.
    pub fn escape(&mut self) -> Lexed<u32> {
        let [_, byte, tail @ ..] = self.rest else { return Err(self.error("unterminated string")) };
        self.rest = tail;
        Ok(match byte {
            b'"' | b'\\' | b'/' => u32::from(*byte),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => return self.unicode_escape(),
            _ => return Err(self.error("invalid escape")),
        })
    }

    fn unicode_escape(&mut self) -> Lexed<u32> {
        let first = self.four_hex_digits()?;
        let before = self.rest;
        if !(0xd800..0xdc00).contains(&first) || !self.word(b"\\u") {
            return Ok(first);
        }
        let second = self.four_hex_digits()?;
        if (0xdc00..0xe000).contains(&second) {
            return Ok(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        }
        self.rest = before;
        Ok(first)
    }

    fn four_hex_digits(&mut self) -> Lexed<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let (Some(digit), [_, tail @ ..]) = (digit, self.rest) else {
                return Err(self.error("invalid \\uXXXX escape"));
            };
            code = code * 16 + digit;
            self.rest = tail;
        }
        Ok(code)
    }

    /// Reads a number's literal.
    #[inline]
    pub fn literal(&mut self) -> Lexed<Literal<'a>> {
        let start = self.rest;
        let negative = self.accept(b'-');
        if negative && self.word(b"Infinity") {
            return Ok(Literal::MinusInfinity);
        }
        let digits_start = self.rest;
        let value = if self.accept(b'0') { 0 } else { self.digits(0) };
        let digits = self.since(digits_start);
        if digits.is_empty() {
            return Err(self.error("expecting a value"));
        }
        if let [b'.' | b'e' | b'E', ..] = self.rest {
            let whole_end = self.rest.len();
            self.fraction_and_exponent();
            if self.rest.len() < whole_end {
                return Ok(Literal::Float(self.since(start)));
            }
        }
        if digits.len() <= SMALL_DIGITS {
            return Ok(Literal::Small(if negative { value.wrapping_neg() } else { value }));
        }
        if digits.len() > MAX_INT_DIGITS {
            return Err(self.error("integer of more than 4300 digits"));
        }
        Ok(Literal::Large(negative, digits))
    }

    /// Moves behind a fraction and an exponent, as far as each is complete.
    fn fraction_and_exponent(&mut self) {
        let mut complete = self.rest;
        if self.accept(b'.') && self.some_digits() {
            complete = self.rest;
        }
        self.rest = complete;
        if self.exponent() {
            return;
        }
        self.rest = complete;
    }

    /// Steps over an exponent. False, and anywhere in it, if it is not complete or there is none.
    #[inline]
    fn exponent(&mut self) -> bool {
        if !(self.accept(b'e') || self.accept(b'E')) {
            return false;
        }
        let _sign = self.accept(b'-') || self.accept(b'+');
        self.some_digits()
    }

    /// Steps over digits, and whether there were any.
    #[inline]
    fn some_digits(&mut self) -> bool {
        let before = self.rest.len();
        self.digits(0);
        self.rest.len() < before
    }

    /// Steps over digits; the value of those already read and of these, if they are at most [`SMALL_DIGITS`].
    #[inline]
    fn digits(&mut self, read: i64) -> i64 {
        let mut value = read;
        while let Some((word, tail)) = self.rest.split_first_chunk() {
            let (count, more) = leading_digits(u64::from_le_bytes(*word));
            value = value.wrapping_mul(TEN_TO_THE.get(count).copied().unwrap_or(1)).wrapping_add(more);
            if count < word.len() {
                self.rest = self.rest.get(count..).unwrap_or_default();
                return value;
            }
            self.rest = tail;
        }
        while let [digit @ b'0'..=b'9', tail @ ..] = self.rest {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit & 0x0f));
            self.rest = tail;
        }
        value
    }

    /// Reads a whole number of few digits, without a sign, if one comes next.
    #[inline]
    pub fn few_digits(&mut self) -> Option<i64> {
        let before = self.rest;
        if self.accept(b'0') {
            return Some(0);
        }
        let value = self.digits(0);
        let digits = before.len() - self.rest.len();
        (1..=SMALL_DIGITS).contains(&digits).then_some(value)
    }

    /// Reads a number of the usual kind, if one comes next.
    pub fn usual_number(&mut self) -> Option<Number> {
        let start = self.rest;
        let whole = self.few_digits()?;
        let fraction = match self.rest {
            [b'.', fraction @ ..] => fraction,
            [b'e' | b'E', ..] => return None,
            _ => return Some(Number::Int(whole)),
        };
        self.rest = fraction;
        let digits = self.digits(whole);
        let places = fraction.len() - self.rest.len();
        let few = start.len() - self.rest.len() <= SMALL_DIGITS;
        let exponent = matches!(self.rest, [b'e' | b'E', ..]);
        if places == 0 || (exponent && !self.exponent()) {
            return None;
        }
        if few && !exponent && digits <= EXACT {
            // Of two whole numbers that are doubles the quotient is rounded once.
            #[allow(clippy::cast_precision_loss)] // there is none
            return Some(Number::Float((digits as f64 / POWERS_OF_TEN.get(places)?).to_bits()));
        }
        Some(Number::Float(double::read(self.since(start))?.to_bits()))
    }

    /// Steps over a number of the usual kind, if one comes next.
    #[inline]
    pub fn skip_usual_number(&mut self) -> Option<()> {
        self.few_digits()?;
        if self.accept(b'.') && !self.some_digits() {
            return None;
        }
        (!matches!(self.rest, [b'e' | b'E', ..]) || self.exponent()).then_some(())
    }

    /// What a string of printable ASCII without escapes has between its quotes, if one comes next.
    #[inline]
    pub fn usual_text(&mut self) -> Option<&'a [u8]> {
        let [b'"', rest @ ..] = self.rest else { return None };
        let (text, behind) = rest.split_at(printable_bytes(rest));
        self.rest = behind.strip_prefix(b"\"")?;
        Some(text)
    }

    /// Steps over a string without escapes, if one comes next.
    #[inline]
    pub fn skip_usual_text(&mut self) -> Option<()> {
        if !self.accept(b'"') {
            return None;
        }
        self.rest = self.rest.get(plain_bytes(self.rest)..)?;
        self.accept(b'"').then_some(())
    }

    /// Reads a whole number of few digits that stands in a list, if such a one comes next; else moves nowhere.
    #[inline]
    pub fn member_of_few_digits(&mut self) -> Option<i64> {
        let before = self.rest;
        if let [b'1'..=b'9', ..] = before {
            let value = self.digits(0);
            if before.len() - self.rest.len() <= SMALL_DIGITS && matches!(self.rest, [b',' | b']', ..]) {
                return Some(value);
            }
            self.rest = before;
        }
        None
    }

    /// Steps over a value at nesting `level` (the levels around it) and returns the deepest level in it.
    ///
    /// The recursion ends at [`MAX_TEXT_LEVELS`].
    pub fn skip_value(&mut self, level: usize) -> Lexed<usize> {
        match self.peek() {
            Some(b'"') => {
                self.accept(b'"');
                self.skip_string()?;
            }
            Some(b'-' | b'0'..=b'9') => {
                self.literal()?;
            }
            Some(b'{') => return self.skip_object(level + 1),
            Some(b'[') => return self.skip_list(level + 1),
            Some(_) => self.constant()?,
            None => return Err(self.error("expecting a value")),
        }
        Ok(level)
    }

    fn skip_object(&mut self, level: usize) -> Lexed<usize> {
        if level > MAX_TEXT_LEVELS {
            return Err(self.too_deep());
        }
        self.accept(b'{');
        self.skip_white();
        let mut deepest = level;
        if self.accept(b'}') {
            return Ok(deepest);
        }
        loop {
            self.open_key()?;
            self.skip_string()?;
            self.colon()?;
            deepest = deepest.max(self.skip_value(level)?);
            if !self.another(b'}', "expecting ',' or '}'")? {
                return Ok(deepest);
            }
        }
    }

    fn skip_list(&mut self, level: usize) -> Lexed<usize> {
        if level > MAX_TEXT_LEVELS {
            return Err(self.too_deep());
        }
        self.accept(b'[');
        self.skip_white();
        let mut deepest = level;
        if self.accept(b']') {
            return Ok(deepest);
        }
        loop {
            if self.member_of_few_digits().is_none() {
                deepest = deepest.max(self.skip_value(level)?);
            }
            if !self.another(b']', "expecting ',' or ']'")? {
                return Ok(deepest);
            }
        }
    }

    /// Steps over the rest of a string whose opening quote has been read.
    #[inline]
    fn skip_string(&mut self) -> Lexed<()> {
        while let Plain::UntilEscape(_) = self.plain()? {
            self.escape()?;
        }
        Ok(())
    }

    /// Steps over `null`, `true`, `false`, `NaN` or `Infinity`.
    fn constant(&mut self) -> Lexed<()> {
        let known: [&[u8]; 5] = [b"null", b"true", b"false", b"NaN", b"Infinity"];
        if known.into_iter().any(|word| self.word(word)) {
            return Ok(());
        }
        Err(self.error("expecting a value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_whatever_follows() {
        for number in ["", "0", "7", "09", "12345678", "123456789", "98765432101234567", "000000000000000001"] {
            for behind in (0..=0xff).filter(|byte: &u8| !byte.is_ascii_digit()) {
                for more in [&b""[..], b"0", b"123456789", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
                    let text = [number.as_bytes(), &[behind], more].concat();
                    let mut lexer = Lexer::new(&text);
                    assert_eq!(lexer.digits(0), number.parse().unwrap_or(0), "{text:?}");
                    assert_eq!(lexer.at(), number.len(), "{text:?}");
                }
            }
            assert_eq!(Lexer::new(number.as_bytes()).digits(0), number.parse().unwrap_or(0));
        }
    }
}
