//! `heyan::audit::targets::entry`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::entry(data));
