//! The one way in which AWS is changed: look, compare, show, ask, change, read back.
pub(crate) mod carry_out;
pub(crate) mod changes;
pub(crate) mod dry_run;
pub(crate) mod loosened;
pub(crate) mod neighbours;
pub(crate) mod planned;
pub(crate) mod precondition;
pub(crate) mod read_back;
pub(crate) mod saved_plan;
pub(crate) mod session;
pub(crate) mod stop;
