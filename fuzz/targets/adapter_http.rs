//! `heyan::adapters::targets::http`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::adapters::targets::http(data));
