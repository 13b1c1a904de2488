//! `heyan::adapters::targets::values`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::adapters::targets::values(data));
