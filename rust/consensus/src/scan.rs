//! The tokens of a JSON text, as `CPython` reads them: found, checked, and stepped over.
//!
//! Most of a block is read by no rule. [`Scanner::skip_value`] checks such a part as exactly as the parser does,
//! and builds nothing.

use crate::json::{JsonError, MAX_INT_DIGITS, MAX_TEXT_LEVELS};

/// What a step gives. The error is boxed to keep the good case small.
pub type Scanned<T> = Result<T, Box<JsonError>>;

/// A text and a place in it.
#[derive(Debug)]
pub struct Scanner<'a> {
    input: &'a [u8],
    /// Offset of the next byte.
    pub at: usize,
}

/// Where a string ends that has no escape in it, or how far it goes before its first one.
pub enum Plain<'a> {
    /// The whole string; its closing quote has been read.
    Whole(&'a [u8]),
    /// The part before a backslash, which comes next.
    UntilEscape(&'a [u8]),
}

/// A number's literal.
pub enum Literal<'a> {
    /// A whole number: its sign and its digits.
    Whole(bool, &'a [u8]),
    /// A number with a fraction or an exponent.
    Real(&'a [u8]),
    /// `-Infinity`
    MinusInfinity,
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of a text.
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    /// An error at this place.
    pub fn error(&self, what: &'static str) -> Box<JsonError> {
        Box::new(JsonError { what, at: self.at, too_deep: false })
    }

    /// The error of a text that is not read on, whatever follows.
    pub fn too_deep(&self) -> Box<JsonError> {
        Box::new(JsonError { what: "nested too deep", at: self.at, too_deep: true })
    }

    /// The next byte.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// All that has not been read.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    #[inline]
    fn slice(&self, start: usize, end: usize) -> &'a [u8] {
        self.input.get(start..end).unwrap_or_default()
    }

    /// Steps over white space.
    #[inline]
    pub fn skip_white(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over a byte if it is the next one.
    #[inline]
    pub fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over a word if it comes next.
    pub fn word(&mut self, word: &[u8]) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// After a member: whether another one follows. Else the container has been closed by `end`.
    #[inline]
    pub fn another(&mut self, end: u8, expecting: &'static str) -> Scanned<bool> {
        self.skip_white();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_white();
                Ok(true)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.error(expecting)),
        }
    }

    /// Steps over the quote that opens a key.
    #[inline]
    pub fn open_key(&mut self) -> Scanned<()> {
        if self.accept(b'"') {
            return Ok(());
        }
        Err(self.error("expecting a property name in double quotes"))
    }

    /// Steps over the colon behind a key.
    #[inline]
    pub fn colon(&mut self) -> Scanned<()> {
        self.skip_white();
        if !self.accept(b':') {
            return Err(self.error("expecting ':'"));
        }
        self.skip_white();
        Ok(())
    }

    /// Reads on in a string up to its end or its next escape.
    #[inline]
    pub fn plain(&mut self) -> Scanned<Plain<'a>> {
        let start = self.at;
        self.at += plain_bytes(self.rest());
        let part = self.slice(start, self.at);
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                Ok(Plain::Whole(part))
            }
            Some(b'\\') => Ok(Plain::UntilEscape(part)),
            Some(_) => Err(self.error("invalid control character")),
            None => Err(self.error("unterminated string")),
        }
    }

    /// The code point of an escape, of which the backslash comes next.
    pub fn escape(&mut self) -> Scanned<u32> {
        self.at += 1;
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

    fn unicode_escape(&mut self) -> Scanned<u32> {
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

    fn four_hex_digits(&mut self) -> Scanned<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.error("invalid \\uXXXX escape")) };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// Reads a number's literal.
    #[inline]
    pub fn literal(&mut self) -> Scanned<Literal<'a>> {
        let start = self.at;
        let negative = self.accept(b'-');
        if negative && self.word(b"Infinity") {
            return Ok(Literal::MinusInfinity);
        }
        let digits_start = self.at;
        if !self.accept(b'0') && self.digits() == 0 {
            return Err(self.error("expecting a value"));
        }
        let whole_end = self.at;
        if let Some(b'.' | b'e' | b'E') = self.peek() {
            self.fraction_and_exponent();
        }
        if self.at > whole_end {
            return Ok(Literal::Real(self.slice(start, self.at)));
        }
        let digits = self.slice(digits_start, whole_end);
        if digits.len() > MAX_INT_DIGITS {
            return Err(self.error("integer of more than 4300 digits"));
        }
        Ok(Literal::Whole(negative, digits))
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

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    /// Steps over a value at nesting `level` (the levels around it) and returns the deepest level in it.
    ///
    /// The recursion ends at [`MAX_TEXT_LEVELS`].
    pub fn skip_value(&mut self, level: usize) -> Scanned<usize> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
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

    fn skip_object(&mut self, level: usize) -> Scanned<usize> {
        if level > MAX_TEXT_LEVELS {
            return Err(self.too_deep());
        }
        self.at += 1;
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

    fn skip_list(&mut self, level: usize) -> Scanned<usize> {
        if level > MAX_TEXT_LEVELS {
            return Err(self.too_deep());
        }
        self.at += 1;
        self.skip_white();
        let mut deepest = level;
        if self.accept(b']') {
            return Ok(deepest);
        }
        loop {
            deepest = deepest.max(self.skip_value(level)?);
            if !self.another(b']', "expecting ',' or ']'")? {
                return Ok(deepest);
            }
        }
    }

    /// Steps over the rest of a string whose opening quote has been read.
    #[inline]
    fn skip_string(&mut self) -> Scanned<()> {
        while let Plain::UntilEscape(_) = self.plain()? {
            self.escape()?;
        }
        Ok(())
    }

    /// Steps over `null`, `true`, `false`, `NaN` or `Infinity`.
    fn constant(&mut self) -> Scanned<()> {
        let known: [&[u8]; 5] = [b"null", b"true", b"false", b"NaN", b"Infinity"];
        if known.into_iter().any(|word| self.word(word)) {
            return Ok(());
        }
        Err(self.error("expecting a value"))
    }
}

/// How many bytes come before the first quote, backslash or control character.
#[inline]
fn plain_bytes(text: &[u8]) -> usize {
    count_before(text, special_bytes, |byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
}

/// How many bytes come before the first one that is written as an escape: outside 0x20-0x7e, a quote or a backslash.
#[inline]
pub fn printable_bytes(text: &[u8]) -> usize {
    let escaped = |word| special_bytes(word) | bytes_equal(word, 0x7f) | (word & HIGH);
    count_before(text, escaped, |byte| matches!(byte, b'"' | b'\\' | 0..=0x1f | 0x7f..))
}

/// Counts bytes eight at a time, the last few one by one. `find` sets the highest bit of the first byte looked for.
#[inline]
fn count_before(text: &[u8], find: impl Fn(u64) -> u64, is_it: impl Fn(u8) -> bool) -> usize {
    let mut count = 0;
    let mut rest = text;
    while let Some((word, tail)) = rest.split_first_chunk() {
        let found = find(u64::from_le_bytes(*word));
        if found != 0 {
            return count + usize::try_from(found.trailing_zeros() / 8).unwrap_or(0);
        }
        count += word.len();
        rest = tail;
    }
    count + rest.iter().take_while(|byte| !is_it(**byte)).count()
}

const ONES: u64 = u64::MAX / 0xff;
const HIGH: u64 = ONES * 0x80;

/// The highest bit of the first byte of a word that is a quote, a backslash or below 0x20 is set; 0 if there is none.
/// Bits above it may be set wrongly: a borrow goes upward only.
#[inline]
fn special_bytes(word: u64) -> u64 {
    bytes_equal(word, b'"') | bytes_equal(word, b'\\') | (word.wrapping_sub(ONES * 0x20) & !word & HIGH)
}

/// As [`special_bytes`], for one byte.
#[inline]
fn bytes_equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * u64::from(byte));
    difference.wrapping_sub(ONES) & !difference & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_of_a_text_is_found_wherever_it_lies() {
        for special in (0..0x20).chain([b'"', b'\\']) {
            for before in 0..20 {
                for filler in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                    let mut text = vec![filler; before];
                    text.extend([special, special, filler, b'"']);
                    assert_eq!(plain_bytes(&text), before, "{special} after {before} of {filler}");
                }
            }
        }
        for byte in 0..=0xff {
            let mut text = vec![b'x'; 12];
            text.extend([byte, b'x', 0x80]);
            let escaped = !(0x20..0x7f).contains(&byte) || byte == b'"' || byte == b'\\';
            assert_eq!(printable_bytes(&text), if escaped { 12 } else { 14 }, "{byte}");
        }
        for length in 0..40 {
            assert_eq!(plain_bytes(&vec![b'x'; length]), length);
        }
    }
}
