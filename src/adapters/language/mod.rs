//! The language of manifests: expressions, the functions they call, templates with expressions in them.

mod budget;
pub(super) mod charset;
pub(super) mod envelope;
pub(super) mod expression;
mod functions;
pub(super) mod json;
pub(super) mod moment;
pub(super) mod room;
pub(super) mod signature;
pub(super) mod template;
pub(super) mod xml;
