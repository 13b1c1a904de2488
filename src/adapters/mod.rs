//! Asking the agencies.

mod expression;
mod mapping;
mod manifest;
mod tls;
mod functions;
mod moment;
mod template;
mod xml;
