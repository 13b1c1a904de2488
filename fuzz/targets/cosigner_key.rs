//! `heyan::audit::targets::cosigner_key`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::cosigner_key(data));
