//! `heyan::adapters::targets::sql`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::adapters::targets::sql(data));
