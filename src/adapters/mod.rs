//! Asking the agencies.

mod expression;
mod functions;
mod moment;
mod template;
mod xml;
