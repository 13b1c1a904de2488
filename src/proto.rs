//! The generated wire messages; nothing else.

#![expect(missing_docs, reason = "generated from the commented files under proto/")]
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "generated"
)]

/// `heyan.gateway.v1`: what callers, auditors and operators speak.
pub mod gateway {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("heyan.gateway.v1");
    }
}

/// `heyan.adapter.v1`: what an out-of-process adapter implements.
pub mod adapter {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("heyan.adapter.v1");
    }
}

/// `heyan.audit.v1`: the entry, as stored and hashed.
pub mod audit {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("heyan.audit.v1");
    }
}

/// Every message and service as a `FileDescriptorSet`, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/heyan.descriptors"));
