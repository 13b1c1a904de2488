//! `heyan::adapters::targets::grpc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| heyan::adapters::targets::grpc(data));
