//! `heyan::agreements::targets::order_document`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::agreements::targets::order_document(data));
