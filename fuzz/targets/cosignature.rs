//! `heyan::audit::targets::cosignature`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::cosignature(data));
