#![no_main]
#[path = "../../tests/fuzz/targets.rs"]
#[allow(dead_code)] // one of them is used here
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::key(data));
