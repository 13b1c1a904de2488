//! Which names the expressions at each place of a manifest can see.

use std::sync::Arc;

use super::sign::Sign;
use crate::adapters::language::expression::{Members, Names};
use crate::catalogue::Role;

/// What the manifest itself declares.
#[derive(Default)]
pub(super) struct Declared {
    /// Keys of `[settings]`.
    pub(super) settings: Vec<String>,
    /// Keys of `[secrets]`.
    pub(super) secrets: Vec<String>,
    /// Keys of `[session] values`.
    pub(super) session: Vec<String>,
    /// `[sign]`: how every operation's request is signed.
    pub(super) sign: Option<Arc<Sign>>,
}

impl Declared {
    /// What the session's own request sees: nothing about anybody.
    pub(super) fn for_session_request(&self) -> Names {
        Names::default()
            .with("cfg", Members::of(self.settings.iter().cloned()))
            .with("secret", Members::of(self.secrets.iter().cloned()))
            .with("request_id", Members::Any)
            .with("now", Members::Any)
            .with("nonce", Members::Any)
    }

    /// What reads the reply to the session's request.
    pub(super) fn for_session_reply(&self) -> Names {
        self.for_session_request().with("resp", reply())
    }

    /// What looks at an ordinary reply to see whether the session is over.
    pub(super) fn for_rejection(&self) -> Names {
        self.for_session_reply().with("session", Members::of(self.session.iter().cloned()))
    }

    /// What signing an operation's request sees, beside the request: nothing about its subjects but what that says.
    pub(super) fn for_signing(&self) -> Names {
        Self::asked(self.for_session_request())
            .with("session", Members::of(self.session.iter().cloned()))
            .with("fact", Members::Any)
    }

    /// What a call that brings a dispute sees.
    pub(super) fn for_dispute(&self) -> Names {
        self.for_signing().with("dispute", Members::Any)
    }

    /// What reads the reply to it.
    pub(super) fn for_dispute_reply(&self) -> Names {
        self.for_dispute().with("resp", reply())
    }

    fn asked(names: Names) -> Names {
        names
            .with(
                "purpose",
                Members::of(["item", "item_version", "case_number", "replaced_material"]),
            )
            .with("operator", Members::of(["id", "unit"]))
            .with("page", Members::Any)
    }

    /// What an operation's request sees.
    pub(super) fn for_request(&self, roles: &[Role], codes: &[String]) -> Names {
        let by_role = |members: fn(&Role) -> Members| {
            Members::nested(roles.iter().map(|role| (role.name.clone(), members(role))))
        };
        Self::asked(self.for_session_request())
            .with("session", Members::of(self.session.iter().cloned()))
            .with("subject", by_role(fields))
            .with("all", by_role(|_| Members::Any))
            .with("has_role", by_role(|_| Members::Any))
            .with("codes", Members::of(codes.iter().cloned()))
    }

    /// What reads the reply to an operation's request.
    pub(super) fn for_reply(&self, roles: &[Role], codes: &[String]) -> Names {
        self.for_request(roles, codes).with("resp", reply())
    }
}

fn reply() -> Members {
    Members::of(["status", "headers", "body", "text", "rows", "fault", "as_of"])
}

/// What the request variables hold of a subject of the role's kind; `variables.rs` fills them in.
fn fields(role: &Role) -> Members {
    match role.kind.as_str() {
        "person" => Members::of(["document_type", "document_number", "name", "sex"]),
        "employer" => Members::of(["uscc", "name"]),
        "property" => Members::of(["unit_number", "certificate_number", "address", "division"]),
        "document" => Members::of(["number", "code", "division"]),
        _ => Members::Any,
    }
}
