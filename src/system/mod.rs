//! This machine: files, standard input, the clock, kubectl, and memory that must not reach a disk.

pub mod clock;
pub mod file;
pub mod input;
pub mod kubectl;
pub mod memory;
pub mod work_tree;
