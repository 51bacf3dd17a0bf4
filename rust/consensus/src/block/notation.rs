//! Asymptotic notation such as `O(n log n)`: the form that a string has.

use std::borrow::Cow;

use crate::python::unicode;
use crate::python::value::Value;

/// The forms that are computed for minutes where `n` is large, so they are outside the parity domain there.
const EXPLOSIVE: [&str; 3] = ["2^n", "n!", "n^n"];

/// What miners write, to spare the general way.
const USUAL: [(&[u8], &str); 5] =
    [(b"O(1)", "1"), (b"O(n)", "n"), (b"O(n^2)", "n^2"), (b"O(2^n)", "2^n"), (b"O(n log n)", "n log n")];

/// The text without its `O(`, `Omega(`, `Theta(` and `)`, stripped; `None` if it holds a lone surrogate.
pub fn form(text: &[u8]) -> Option<Cow<'static, str>> {
    if let Some((_, form)) = USUAL.iter().find(|(usual, _)| *usual == text) {
        return Some(Cow::Borrowed(form));
    }
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.replace("O(", "").replace("Omega(", "").replace("Theta(", "").replace(')', "");
    Some(Cow::Owned(bare.trim_matches(unicode::is_space).to_owned()))
}

/// Whether an asymptotic string, if it is one, is of a form that explodes with the problem size.
pub fn is_explosive(asymptotic: &Value<'_>) -> bool {
    match asymptotic {
        Value::Str(text) => form(text).is_some_and(|form| EXPLOSIVE.contains(&form.as_ref())),
        _ => false,
    }
}
