//! `coinjecture._core`: the thin Python binding of the consensus crate.
