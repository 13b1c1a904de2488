//! `heyan::agreements::targets::outside_signature`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::agreements::targets::outside_signature(data));
