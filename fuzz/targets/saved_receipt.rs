//! A receipt as `heyan query` keeps it.

#![no_main]

use heyan::client::receipt;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(saved) = receipt::from_json(text) {
        assert_eq!(receipt::from_json(&receipt::to_json(&saved)).unwrap(), saved);
        assert!(receipt::check(&saved, &[]).is_err());
    }
});
