//! `heyan::audit::targets::frame`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::frame(data));
