//! `heyan::audit::targets::checkpoint`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::checkpoint(data));
