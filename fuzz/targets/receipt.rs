//! `heyan::audit::targets::receipt`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::receipt(data));
