//! Bytes looked at many at a time: where a text ends or needs an escape, and what number digits write.

/// How many bytes come before the first quote, backslash or control character.
#[inline]
pub fn plain_bytes(text: &[u8]) -> usize {
    count_before(text, special_bytes, |byte| (byte == b'"') | (byte == b'\\') | (byte < 0x20))
}

/// How many bytes come before the first one that is written as an escape: outside 0x20-0x7e, a quote or a backslash.
#[inline]
pub fn printable_bytes(text: &[u8]) -> usize {
    let escaped = |word| special_bytes(word) | bytes_equal(word, 0x7f) | (word & HIGH);
    count_before(text, escaped, |byte| (byte == b'"') | (byte == b'\\') | !(0x20..=0x7e).contains(&byte))
}

/// Counts bytes: the first few eight at a time, since most texts are short; while there are more, many at a time in a
/// form that the compiler turns into vectors; then eight at a time again, the last few one by one. `find` sets the
/// highest bit of the first byte looked for.
#[inline]
fn count_before(text: &[u8], find: impl Fn(u64) -> u64, is_it: impl Fn(u8) -> bool) -> usize {
    let within = |word: &[u8; 8]| match find(u64::from_le_bytes(*word)) {
        0 => None,
        found => usize::try_from(found.trailing_zeros() / 8).ok(),
    };
    let mut rest = text;
    let mut count = 0;
    for _ in 0..2 {
        let Some((word, tail)) = rest.split_first_chunk() else { break };
        if let Some(more) = within(word) {
            return count + more;
        }
        count += word.len();
        rest = tail;
    }
    while let Some((many, tail)) = rest.split_first_chunk::<32>() {
        // No way out early: that is what makes vectors of it.
        if many.iter().fold(0, |found, byte| found | u8::from(is_it(*byte))) != 0 {
            break;
        }
        rest = tail;
    }
    let mut count = text.len() - rest.len();
    while let Some((word, tail)) = rest.split_first_chunk() {
        if let Some(more) = within(word) {
            return count + more;
        }
        count += word.len();
        rest = tail;
    }
    count + rest.iter().take_while(|byte| !is_it(**byte)).count()
}

/// How many of eight bytes, from the first one on, are digits, and the number that they write.
#[inline]
pub fn leading_digits(word: u64) -> (usize, i64) {
    let digits = word ^ (ONES * u64::from(b'0')); // a digit becomes its value, any other byte more than 9
    let others = (digits.wrapping_add(ONES * 0x76) | digits) & HIGH; // a carry goes upward only
    let bits = others.trailing_zeros() & !7;
    // The digits go to the end, zeros before them: two numbers of a digit become one of two, and so on.
    let ones = digits.checked_shl(u64::BITS - bits).unwrap_or(0);
    let tens = ones.wrapping_mul(10).wrapping_add(ones >> 8) & 0x00ff_00ff_00ff_00ff;
    let hundreds = tens.wrapping_mul(100).wrapping_add(tens >> 16) & 0x0000_ffff_0000_ffff;
    let number = hundreds.wrapping_mul(10_000).wrapping_add(hundreds >> 32) & 0xffff_ffff;
    (usize::try_from(bits / 8).unwrap_or(0), i64::try_from(number).unwrap_or(0))
}

/// By how much the digits before are multiplied that so many follow.
pub const TEN_TO_THE: [i64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

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
