//! Python's `str`: a sequence of code points in generalised UTF-8, where a lone surrogate takes three bytes like its
//! neighbours.

use std::borrow::Cow;

/// A `str`.
///
/// The encoding keeps the order of code points, and a part of a text is a part of its bytes.
pub type Text<'a> = Cow<'a, [u8]>;

/// Number of code points of a text.
#[must_use]
pub fn code_points(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// First code point of a text in generalised UTF-8 and its length in bytes.
#[must_use]
pub fn decode(text: &[u8]) -> Option<(u32, usize)> {
    let tail = |position: usize| text.get(position).map_or(0, |byte| u32::from(byte & 0x3f));
    let first = u32::from(*text.first()?);
    Some(match first {
        0..=0x7f => (first, 1),
        0x80..=0xdf => ((first & 0x1f) << 6 | tail(1), 2),
        0xe0..=0xef => ((first & 0x0f) << 12 | tail(1) << 6 | tail(2), 3),
        _ => ((first & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    })
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
