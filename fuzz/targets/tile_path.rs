//! `heyan::audit::targets::tile_path`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::audit::targets::tile_path(data));
