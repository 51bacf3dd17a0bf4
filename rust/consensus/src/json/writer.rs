//! Writing JSON exactly as `CPython`'s `json.dumps` with default separators and ASCII escapes.
//!
//! These bytes are hashed, so all of them are laid out here. Only the shortest digits of a double come from a crate, and
//! with them the point, as long as no layout puts it elsewhere. Not from the standard library: of two shortest ones that
//! are as near it takes another one than Python.

use std::io::Write;

use super::bytes::printable_bytes;
use crate::python::text::{decode, Text};
use crate::python::value::Value;

/// Appends `json.dumps(value, sort_keys=True)`.
pub fn write_sorted(value: &Value<'_>, out: &mut Vec<u8>) {
    write(value, true, out);
}

/// Appends `json.dumps(value)`: keys in insertion order.
pub fn write_ordered(value: &Value<'_>, out: &mut Vec<u8>) {
    write(value, false, out);
}

fn write(value: &Value<'_>, sorted: bool, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => write_int(*value, out),
        Value::Big(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Float(value) => write_float(*value, out),
        Value::Str(text) => write_text(text, out),
        Value::List(items) => write_items(items, |item, out| write(item, sorted, out), out),
        Value::Ints(items) => write_items(items, |item, out| write_int(*item, out), out),
        Value::Dict(dict) if sorted => {
            write_entries(dict.sorted().into_iter().map(|(key, value)| (key, value)), sorted, out)
        }
        Value::Dict(dict) => write_entries(dict.iter(), sorted, out),
    }
}

fn write_items<T>(items: &[T], write_item: impl Fn(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.push(b'[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.extend_from_slice(b", ");
        }
        write_item(item, out);
    }
    out.push(b']');
}

fn write_entries<'v, 'a: 'v>(
    entries: impl Iterator<Item = (&'v Text<'a>, &'v Value<'a>)>,
    sorted: bool,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (position, (key, value)) in entries.enumerate() {
        if position > 0 {
            out.extend_from_slice(b", ");
        }
        write_text(key, out);
        out.extend_from_slice(b": ");
        write(value, sorted, out);
    }
    out.push(b'}');
}

/// The least integer of nine digits.
const NINE_DIGITS: u64 = 100_000_000;

fn write_int(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let size = value.unsigned_abs();
    if size < NINE_DIGITS {
        return write_few_digits(size, out);
    }
    let (upper, lower) = (size / NINE_DIGITS, size % NINE_DIGITS);
    if upper < NINE_DIGITS {
        write_few_digits(upper, out);
    } else {
        write_few_digits(upper / NINE_DIGITS, out);
        out.extend_from_slice(&(eight_digits(upper % NINE_DIGITS) | ASCII).to_le_bytes());
    }
    out.extend_from_slice(&(eight_digits(lower) | ASCII).to_le_bytes());
}

/// Eight times the digit `0`.
const ASCII: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of a number below [`NINE_DIGITS`], a byte each, the first one in the lowest byte.
///
/// All of them are computed side by side: two numbers of four digits, then four of two, then eight.
#[inline]
const fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = (fours.wrapping_mul(10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | (fours.wrapping_sub(hundreds.wrapping_mul(100)) << 16);
    let tens = (twos.wrapping_mul(103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos.wrapping_sub(tens.wrapping_mul(10)) << 8)
}

/// Appends a number below [`NINE_DIGITS`].
#[inline]
fn write_few_digits(number: u64, out: &mut Vec<u8>) {
    // Counted from the number and not from its digits: where the next text goes is known before they are.
    let count = number.checked_ilog10().map_or(1, |log| log as usize + 1);
    let length = out.len().saturating_add(count);
    // A piece of fixed length is copied at once; what is too much is cut off.
    out.extend_from_slice(&((eight_digits(number) | ASCII) >> (8 * (8 - count))).to_le_bytes());
    out.truncate(length);
}

/// Appends a text in double quotes; everything outside 0x20-0x7e is escaped.
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    loop {
        let (copied, left) = rest.split_at(printable_bytes(rest));
        out.extend_from_slice(copied);
        let Some((code, length)) = decode(left) else { break };
        write_escape(code, out);
        rest = left.get(length..).unwrap_or_default();
    }
    out.push(b'"');
}

fn write_escape(code: u32, out: &mut Vec<u8>) {
    match code {
        0x22 => out.extend_from_slice(b"\\\""),
        0x5c => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0c => out.extend_from_slice(b"\\f"),
        0x0a => out.extend_from_slice(b"\\n"),
        0x0d => out.extend_from_slice(b"\\r"),
        0x09 => out.extend_from_slice(b"\\t"),
        0x1_0000.. => {
            let offset = code - 0x1_0000;
            write_unit(0xd800 + (offset >> 10), out);
            write_unit(0xdc00 + (offset & 0x3ff), out);
        }
        _ => write_unit(code, out),
    }
}

fn write_unit(unit: u32, out: &mut Vec<u8>) {
    let _ = write!(out, "\\u{unit:04x}");
}

/// The least whole number of sixteen digits.
const SIXTEEN_DIGITS: f64 = 1e15;

/// From the one on and below the other Python writes no exponent, nor does anyone else: all that is left to write are the
/// shortest digits, with the point where it belongs and a digit on either side of it.
const LEAST_WITHOUT_EXPONENT: f64 = 1e-4;
const MOST_WITHOUT_EXPONENT: f64 = 1e16;

/// Appends a double as `json.dumps` does: `repr`, or `NaN`, `Infinity`, `-Infinity`.
pub fn write_float(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    if value == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let size = value.abs();
    if size < SIXTEEN_DIGITS && size.trunc() == size {
        // Of the decimals of at most fifteen digits no two are the same double, so none but this one can be meant.
        #[allow(clippy::cast_possible_truncation)] // it is a whole number of few digits
        write_int(size as i64, out);
        return out.extend_from_slice(b".0");
    }
    if !(LEAST_WITHOUT_EXPONENT..MOST_WITHOUT_EXPONENT).contains(&size) {
        return write_with_exponent(size, out);
    }
    out.extend_from_slice(ryu::Buffer::new().format_finite(size).as_bytes());
}

/// Appends the shortest digits of a positive double with an exponent, which has a sign and at least two digits.
fn write_with_exponent(size: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(size);
    let _ = match (text.split_once('e'), text.strip_prefix("0.0000")) {
        (Some((digits, exponent)), _) => match exponent.strip_prefix('-') {
            Some(exponent) => write!(out, "{digits}e-{exponent:0>2}"),
            None => write!(out, "{digits}e+{exponent:0>2}"),
        },
        // The crate writes no exponent yet.
        (None, Some(digits)) => {
            let (first, more) = digits.split_at(digits.len().min(1));
            let point = if more.is_empty() { "" } else { "." };
            write!(out, "{first}{point}{more}e-05")
        }
        (None, None) => write!(out, "{text}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (value, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (999_999_999_999_999.0, "999999999999999.0"),
            (-123_000.0, "-123000.0"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000_012_3, "1.23e-05"),
            (2.0_f64.powi(-25), "2.9802322387695312e-08"), // ...313 is as short and as near
            (f64::from_bits(0.0001_f64.to_bits() - 1), "9.999999999999999e-05"),
            (f64::from_bits(0.00001_f64.to_bits() + 1), "1.0000000000000003e-05"),
            (f64::from_bits(0.00001_f64.to_bits() - 1), "9.999999999999999e-06"),
            (f64::from_bits(1e16_f64.to_bits() + 1), "1.0000000000000002e+16"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (123_456.789, "123456.789"),
            (1e22, "1e+22"),
            (100.0, "100.0"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            let mut out = Vec::new();
            write_float(value, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn integers_are_written_in_decimal() {
        let powers = (0..19).map(|exponent| 10_i64.pow(exponent));
        let around = powers.flat_map(|power| [power - 1, power, power + 1, 7 * power, -power, 1 - power]);
        let many = (0..200_000).map(|n| n * 523);
        for value in [0, 7, -7, -1_234_567_890, i64::MAX, i64::MIN].into_iter().chain(around).chain(many) {
            let mut out = Vec::new();
            write_int(value, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), value.to_string());
        }
    }

    #[test]
    fn keys_come_in_their_order_or_in_that_of_their_code_points() {
        let text = br#"{"b": [1, {"d": null, "c": true}], "a": false}"#;
        let value = crate::json::parser::parse(text, 8).unwrap_or_default();
        let (mut ordered, mut sorted) = (Vec::new(), Vec::new());
        write_ordered(&value, &mut ordered);
        write_sorted(&value, &mut sorted);
        assert_eq!(ordered, text);
        assert_eq!(String::from_utf8_lossy(&sorted), r#"{"a": false, "b": [1, {"c": true, "d": null}]}"#);
    }

    #[test]
    fn everything_outside_printable_ascii_is_escaped() {
        let mut out = Vec::new();
        write_text("a\"\\\u{0}\u{1f}\u{7f}\u{20ac}\u{10ffff}~".as_bytes(), &mut out);
        assert_eq!(String::from_utf8_lossy(&out), r#""a\"\\\u0000\u001f\u007f\u20ac\udbff\udfff~""#);
        out.clear();
        write_text(b"\xed\xa0\x80", &mut out);
        assert_eq!(String::from_utf8_lossy(&out), r#""\ud800""#);
    }
}
