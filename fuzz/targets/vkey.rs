//! `heyan::audit::targets::vkey`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::vkey(data));
