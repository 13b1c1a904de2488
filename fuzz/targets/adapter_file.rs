//! `heyan::adapters::targets::file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::adapters::targets::file(data));
