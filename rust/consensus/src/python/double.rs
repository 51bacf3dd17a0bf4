//! Reading a double from text. Every place that does so does it here.
//!
//! A literal may be as long as a block, and then its exponent needs as many digits as its length has: the zeros of
//! `1000...000e-655360` and its exponent are held against each other. The standard library stops counting an exponent
//! at 65,536, and reads such a text as another number than `CPython` does. The crate counts on to 2^28, which is far
//! more than a block has digits; beyond that the exponent alone decides.

/// The double nearest to a decimal, ties to even; `None` if the text is none. What else Python's `float(str)` takes
/// (underscores, white space, digits of other scripts) has to be gone before.
#[must_use]
pub fn read(text: &[u8]) -> Option<f64> {
    lexical_core::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_python_are_read() {
        for (text, expected) in [
            ("1", 1.0),
            ("+1", 1.0),
            ("-0", -0.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-5.e-3", -0.005),
            ("00012E+01", 120.0),
            ("0.1", 0.1),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("9007199254740993.00001", 9_007_199_254_740_994.0),
            ("2.4703282292062327208e-324", 0.0),
            ("2.4703282292062328e-324", 5e-324),
            ("1.7976931348623158079e308", f64::MAX),
            ("1.797693134862315808e308", f64::INFINITY),
            ("inf", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
        ] {
            assert_eq!(read(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        assert!(read(b"-nAn").is_some_and(f64::is_nan));
    }

    #[test]
    fn what_is_no_decimal_is_none() {
        for text in
            ["", "+", ".", "e5", ".e1", "1e", "1e+", "1e1.5", "--1", "0x10", "1_0", " 1", "1 ", "in", "infin", "1f"]
        {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_exponent_of_any_length_counts_in_full() {
        let far = |zeros: usize, exponent: &str| read(format!("1{}e{exponent}", "0".repeat(zeros)).as_bytes());
        assert_eq!(far(65_536, "-655360"), Some(0.0));
        assert_eq!(far(65_536, "-65536"), Some(1.0));
        assert_eq!(far(65_536, "-65535"), Some(10.0));
        assert_eq!(far(1 << 20, "-1048576"), Some(1.0));
        let near = |zeros: usize, exponent: &str| read(format!("0.{}1e{exponent}", "0".repeat(zeros)).as_bytes());
        assert_eq!(near(65_535, "65536"), Some(1.0));
        assert_eq!(near((1 << 20) - 1, "1048577"), Some(10.0));
        assert_eq!(near(65_535, "655360"), Some(f64::INFINITY));
        for digits in 5..30 {
            let nines = "9".repeat(digits);
            assert_eq!(far(0, &nines), Some(f64::INFINITY), "{digits}");
            assert_eq!(far(1000, &format!("-{nines}")), Some(0.0), "{digits}");
        }
        assert_eq!(far(0, &format!("{}5", "0".repeat(70_000))), Some(100_000.0));
    }
}
