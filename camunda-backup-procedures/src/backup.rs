//! The backup: what is wanted, what is checked before, the runbook, its steps, the judgement, and what a failed one leaves.

pub(crate) mod context;
mod dead_records;
pub mod evidence;
mod index_names;
pub mod leftovers;
pub(crate) mod planner;
pub mod preflight;
pub(crate) mod procedure;
pub(crate) mod record_list;
pub mod spec;
pub(crate) mod steps;
pub(crate) mod store_timeout;
pub mod task;
pub mod verdict;
