//! What a release build must not lose.

use std::hint::black_box;

/// Arithmetic that overflows must stop the engine, also in a release build: `cargo test --release` builds by the
/// profile of the wheel.
#[test]
fn overflowing_arithmetic_panics_in_this_profile() {
    for (a, b) in [(u64::MAX, 1), (u64::MAX - 1, 2)] {
        let sum = std::panic::catch_unwind(|| black_box(a) + black_box(b));
        assert!(sum.is_err(), "{a} + {b} wrapped");
    }
    assert_eq!(std::panic::catch_unwind(|| black_box(u64::MAX - 1) + black_box(1)).ok(), Some(u64::MAX));
}
