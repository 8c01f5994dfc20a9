//! What is printed, and what the documents show of it.

pub(crate) mod ci;
pub(crate) mod documents;
pub(crate) mod forms;
pub(crate) mod schemas;
pub(crate) mod suggestions;
