//! What tests set and read without HTTP: the kind of installation, faults and outcomes, and what has happened.

pub(crate) mod faults;
pub(crate) mod observe;
pub(crate) mod options;
