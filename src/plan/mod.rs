//! Plan is the product, apply its echo: what is wanted, what is there, and the changes between.
//!
//! [`desired`] and [`observed`] are plain values, [`diff`] is a function of the two, and a
//! [`change::Change`] is one API call with everything in it: what is printed is what is executed.

pub mod action;
pub mod change;
pub mod desired;
pub mod diff;
pub mod document;
pub mod line;
pub mod observed;
pub mod removal;
pub mod saved;
pub mod tags;
