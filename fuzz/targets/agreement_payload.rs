//! `heyan::agreements::targets::agreement_payload`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::agreements::targets::agreement_payload(data));
