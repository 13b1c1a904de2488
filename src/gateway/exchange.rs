//! What goes into the gateway and what comes out: an ask, a reply or a refusal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::audit::Audit;
use crate::audit::commitment::{Field, Opening};
use crate::cache::NoAnswer;
use crate::crypto::Digest;
use crate::decision::PermitRef;
use crate::decision::denial::Denial;
use crate::decision::facts::Defect;
use crate::identity::Peer;
use crate::query::subject::Subject;
use crate::query::time::Timestamp;
use crate::query::value::{Comparison, Value, Verdict};
use crate::query::{Operator, OrganisationId, Query};

/// One question as it came in: who sent it, when, and what was wrong with its form.
pub struct Ask {
    /// The caller's certificate.
    pub peer: Arc<Peer>,
    /// The question; where its form is wrong, as much of it as could be read.
    pub query: Query,
    /// What is wrong with it. A question with a defect is denied, and the denial recorded.
    pub defects: Vec<Defect>,
    /// The request as sent, in the form that entries commit to.
    pub request: Vec<u8>,
    /// SHA-256 of that.
    pub digest: Digest,
    /// When it came in, by the wall clock: what decisions and entries see.
    pub received_at: Timestamp,
    /// The same moment on the clock that never jumps: what deadlines are counted from.
    pub arrived: tokio::time::Instant,
    /// The time the caller gives; `None` when it set no deadline.
    pub deadline: Option<Duration>,
    /// The agency is asked whatever is kept: the last answer is in doubt.
    pub anew: bool,
    /// The log, by the clerk of the thread that answers.
    pub log: Audit,
}

/// One honest answer, recorded before it exists.
pub struct Reply {
    /// The caller's id of the request.
    pub request_id: [u8; 16],
    /// Of all assertions together.
    pub verdict: Verdict,
    /// Of each assertion, in the order asked.
    pub judgements: Vec<(String, Comparison, Verdict)>,
    /// Values that the clause lets go.
    pub disclosed: BTreeMap<String, Value>,
    /// Which of them are there in part only.
    pub masked: Vec<String>,
    /// Until when the caller may keep the values; `None` without any.
    pub keep_until: Option<Timestamp>,
    /// When the agency's data was true; `None` without a record.
    pub as_of: Option<Timestamp>,
    /// Where the record came from.
    pub source: Source,
    /// The organisation that holds it.
    pub agency: OrganisationId,
    /// Role and position of each subject really checked.
    pub subjects_checked: Vec<(String, u32)>,
    /// Why there is no record.
    pub no_answer: Option<NoAnswer>,
    /// The clause that permitted it.
    pub grant: PermitRef,
    /// Index of its entry.
    pub log_index: u64,
    /// Proof of the entry, when asked for.
    pub receipt: Option<Arc<Receipt>>,
}

/// Where a record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The agency was asked for this question.
    Agency,
    /// It was kept from the question whose intent has this index.
    Cache {
        /// Log index of that intent.
        original_index: u64,
    },
}

/// Proof that an entry is in the log, and what opens its commitments.
pub struct Receipt {
    /// Index of the entry.
    pub index: u64,
    /// The entry as hashed.
    pub entry: Vec<u8>,
    /// c2sp.org/tlog-proof@v1.
    pub proof: String,
    /// Openings, with the committed values.
    pub openings: Vec<Opened>,
}

/// A committed value and what opens its commitment.
pub struct Opened {
    /// Which commitment of the entry.
    pub field: Field,
    /// Its key.
    pub opening: Opening,
    /// The committed bytes.
    pub value: Vec<u8>,
}

/// An application as it was filed: what the entry of its case commits to. Holds personal data: no `Debug`.
pub struct Filing {
    /// Whom and what it names, in the caller's order; roles are the rule's parties.
    pub subjects: Vec<Subject>,
    /// Who filed it.
    pub operator: Operator,
    /// The whole message in the form that entries commit to.
    pub request: Vec<u8>,
    /// Whether the caller wants proof of the entry.
    pub want_receipt: bool,
}

/// A case that was recorded.
pub struct ClosedCase {
    /// Index of its entry.
    pub log_index: u64,
    /// Proof of the entry, when asked for.
    pub receipt: Option<Arc<Receipt>>,
}

/// Why a case has no outcome.
#[derive(Clone, Debug, Error)]
pub enum Unclosed {
    /// Its course does not fit into an entry: it names too many, or too many were found.
    #[error("the entry of the case takes {0} bytes, more than the log holds")]
    TooLarge(usize),
    /// As a question would be refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Anything sent instead of an answer.
#[derive(Clone, Debug, Error)]
pub enum Refusal {
    /// The decision was no. It is recorded.
    #[error("denied: {}", denial.code())]
    Denied {
        /// Why.
        denial: Arc<Denial>,
        /// Index of its entry.
        log_index: u64,
    },
    /// The log cannot take entries: nothing is answered, because nothing could be recorded.
    #[error("the log cannot record")]
    Unrecorded,
    /// Too many questions at once; nothing was decided, asked or recorded.
    #[error("too many questions at once")]
    Overloaded,
}
