//! `heyan::audit::targets::bundle`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::bundle(data));
