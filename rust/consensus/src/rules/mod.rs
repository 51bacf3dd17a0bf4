//! The rules: the [nine of them](verdict) in their order, and a file for each that computes something.

pub(crate) mod asymptotic;
pub(crate) mod evaluated;
pub(crate) mod prepared;
pub(crate) mod reason;
pub(crate) mod settings;
pub(crate) mod subset_sum;
pub(crate) mod substrings;
pub(crate) mod verdict;
pub(crate) mod work;

pub use evaluated::Claim;
pub use reason::{Profile, Reason, Reject};
pub use settings::{Rules, PYTHON_MINORS};
pub use subset_sum::solves;
pub use work::reported_work;
