//! `heyan::audit::targets::description`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::description(data));
