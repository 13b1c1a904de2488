//! `heyan::adapters::targets::soap`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::adapters::targets::soap(data));
