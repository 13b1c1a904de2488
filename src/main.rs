//! The command `heyan`.

fn main() {}
