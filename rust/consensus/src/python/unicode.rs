//! What Python's `float(str)` and `str.strip()` know of Unicode.

use std::borrow::Cow;

use super::double;

/// Zero digits of the scripts that Python 3.11 (Unicode 14) reads; each is followed by its nine digits.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// Zero digits of scripts that came later, with the first Python 3 minor that reads them.
const LATER_ZEROS: &[(u32, u8)] = &[
    (0x11f50, 12),
    (0x1e4f0, 12),
    (0x10d40, 14),
    (0x116d0, 14),
    (0x116da, 14),
    (0x11bf0, 14),
    (0x16d70, 14),
    (0x1ccf0, 14),
    (0x1e5f1, 14),
];

/// Python's `str.isspace()` for one character.
#[must_use]
pub fn is_space(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{1c}'..='\u{1f}')
}

/// The decimal digit that Python 3.`minor` sees in a character.
fn decimal(char: char, minor: u8) -> Option<u8> {
    let code = u32::from(char);
    let known = ZEROS.get(..ZEROS.partition_point(|zero| *zero <= code)).and_then(<[u32]>::last).copied();
    let later = LATER_ZEROS.iter().filter(|(_, since)| *since <= minor).map(|(zero, _)| *zero);
    known
        .into_iter()
        .chain(later)
        .filter_map(|zero| code.checked_sub(zero))
        .filter_map(|digit| u8::try_from(digit).ok())
        .find(|digit| *digit < 10)
}

/// Python's `float(text)`; `None` where it raises `ValueError`.
#[must_use]
pub fn parse_float(text: &str, minor: u8) -> Option<f64> {
    let ascii: Cow<'_, str> = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(to_ascii(text, minor)?) };
    // Python trims only these six; a control character such as U+001C makes it raise.
    let trimmed = ascii.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    if !trimmed.contains('_') {
        return double::read(trimmed.as_bytes());
    }
    let digits = underscores_between_digits(trimmed.as_bytes()).then(|| trimmed.replace('_', ""))?;
    double::read(digits.as_bytes())
}

fn to_ascii(text: &str, minor: u8) -> Option<String> {
    text.chars()
        .map(|char| match char {
            _ if char.is_ascii() => Some(char),
            _ if is_space(char) => Some(' '),
            _ => decimal(char, minor).map(|digit| char::from(b'0' + digit)),
        })
        .collect()
}

fn underscores_between_digits(text: &[u8]) -> bool {
    let digit = |position: Option<usize>| position.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_digit);
    text.iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| digit(at.checked_sub(1)) && digit(at.checked_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_that_python_reads() {
        for (text, expected) in [
            ("1_0", 10.0),
            (" 2 ", 2.0),
            ("\u{85}2\u{3000}", 2.0),
            ("\u{663}", 3.0),
            ("\u{ff11}_\u{ff10}", 10.0),
            ("5.", 5.0),
            ("-.5e-3", -0.0005),
            ("1e5_0", 1e50),
            ("1e9999999999999999999999", f64::INFINITY),
            ("0e9999999999999", 0.0),
            ("+InFiNiTy", f64::INFINITY),
        ] {
            assert_eq!(parse_float(text, 11), Some(expected), "{text:?}");
        }
        assert!(parse_float("-nan", 11).is_some_and(f64::is_nan));
    }

    #[test]
    fn floats_that_python_refuses() {
        for text in [
            "",
            " ",
            "1__0",
            "_1",
            "1_",
            "1_.5",
            "1._5",
            "1e_5",
            "0x10",
            "1e",
            ".",
            "1\0",
            "in_f",
            "\u{1c}2",
            "\u{200b}1",
            "1 2",
            "\u{11f51}",
        ] {
            assert_eq!(parse_float(text, 11), None, "{text:?}");
        }
        assert_eq!(parse_float("\u{11f51}", 12), Some(1.0));
    }
}
