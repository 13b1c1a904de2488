//! `heyan::agreements::targets::agreement_draft`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::agreements::targets::agreement_draft(data));
