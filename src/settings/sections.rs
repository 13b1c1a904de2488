//! The sections of the file: each key with its unit, its default and the reason for it.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::{count, folders, size, span};

/// The certificate the gateway shows to callers, and to agencies that ask for one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file with the certificate and what leads to its authority. No default: only the operator knows it.
    pub certificate: PathBuf,
    /// PEM file with its private key, readable by its owner alone. No default.
    pub key: PathBuf,
}

/// What adapter manifests may have of this machine: whoever may write one decides where it is sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifests {
    /// Folders out of which manifests may take secrets and private keys. Default `secrets` and `pki`: not `keys`, where
    /// the log's own key lies, and nothing outside the installation.
    #[serde(deserialize_with = "folders")]
    pub secrets: Vec<PathBuf>,
    /// Whether manifests may have programs started, as the gateway's user and with all that it may. Default `false`:
    /// most agencies need none.
    pub programs: bool,
    /// Folders within which manifests may have disputes put for their agencies. Default `queues`: a folder of the
    /// installation that others carry on from.
    #[serde(deserialize_with = "folders")]
    pub queues: Vec<PathBuf>,
}

impl Default for Manifests {
    fn default() -> Self {
        Self {
            secrets: vec!["secrets".into(), "pki".into()],
            programs: false,
            queues: vec!["queues".into()],
        }
    }
}

/// The log. `serve` never creates it; `heyan audit init` does, once.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Folder of the log. Default `log`.
    pub folder: PathBuf,
    /// PKCS#8 PEM file with the key that signs checkpoints, readable by its owner alone. Default `keys/log.key`.
    pub key: PathBuf,
    /// Bytes of one segment file, written with zeros ahead of use. Default 64 MiB: about 150,000 entries, so a new
    /// file is prepared a few times a day at most, and a copy of one finishes in a second.
    #[serde(with = "size")]
    pub segment_bytes: u64,
    /// At most one checkpoint is published in this time. Default 1 s: what others copy, witness and compare is then
    /// never older, and a flush in a second costs nothing. From 100 ms to 60 s; receipts do not wait for it.
    #[serde(with = "span")]
    pub publish_every: Duration,
    /// Whether a start reads and checks the whole log, even where the log's signed summary spares it. Default false: a
    /// long log would keep the gateway from answering for minutes, and `heyan audit verify` checks it meanwhile.
    pub reread_at_start: bool,
    /// Whether the loopback port shows the published log as tiles. Default `true`: it holds no personal data, and a
    /// copy that others keep is what makes a log hard to rewrite.
    pub serve_tiles: bool,
    /// File with the seed of an ML-DSA-44 key that cosigns published checkpoints, readable by its owner alone;
    /// `heyan audit cosigner` makes one. Default empty: none.
    pub cosigner_key: PathBuf,
    /// File on another medium that takes over each published checkpoint; a start refuses a log that is not the one it
    /// saw. Empty: none. Default empty, since only the operator knows another medium.
    pub witness: PathBuf,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            folder: "log".into(),
            key: "keys/log.key".into(),
            segment_bytes: 64 << 20,
            publish_every: Duration::from_secs(1),
            reread_at_start: false,
            serve_tiles: true,
            cosigner_key: PathBuf::new(),
            witness: PathBuf::new(),
        }
    }
}

/// The vault: what was asked and answered, sealed beside the log's tree. Off unless `key` is set.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// Folder of the days' keys, best on a medium of its own: erasing destroys files in it. Default `vault`.
    pub keys: PathBuf,
    /// The master key, which opens records; made by `heyan audit vault init`, readable by its owner alone. Default none:
    /// nothing is kept but commitments.
    pub key: PathBuf,
    /// The subject master key, which finds records about a subject and opens none. Must be set when `key` is.
    pub subject_key: PathBuf,
}

impl Default for Vault {
    fn default() -> Self {
        Self { keys: "vault".into(), key: PathBuf::new(), subject_key: PathBuf::new() }
    }
}

impl Vault {
    /// Whether records are kept.
    pub fn is_on(&self) -> bool {
        !self.key.as_os_str().is_empty()
    }
}

/// Contested verdicts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disputes {
    /// Folder that holds what is contested until it has been asked again; made when it is not there, for the gateway's user
    /// alone. Default `disputes`.
    pub folder: PathBuf,
    /// How often agencies' folders are looked into for answers, and the first wait after a failed delivery, which doubles up
    /// to 10 min. Default 10 s: an answer takes an agency days.
    #[serde(with = "span")]
    pub look_every: Duration,
    /// Calls about disputes at once in the whole gateway, asking again aside, which is a question. Default 32: each takes some
    /// milliseconds of disk, so that is thousands a second, and disputes are tens a day; they take no place of questions.
    #[serde(deserialize_with = "count")]
    pub calls: usize,
    /// Such calls at once of one organisation. Default 8, a quarter of `calls`: one that sends too many leaves places to
    /// three others.
    #[serde(deserialize_with = "count")]
    pub calls_per_caller: usize,
    /// Disputes that one organisation may open in a day, China time. Default 200: a centre contests a few in ten thousand
    /// answers, and whoever brings an agency the names of more people than that is looking for something else.
    #[serde(deserialize_with = "count")]
    pub opened_per_day: usize,
}

impl Default for Disputes {
    fn default() -> Self {
        Self {
            folder: "disputes".into(),
            look_every: Duration::from_secs(10),
            calls: 32,
            calls_per_caller: 8,
            opened_per_day: 200,
        }
    }
}

/// Kept answers. How long each is kept is the agreement's word, not the operator's.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Memory for kept answers. Default 256 MiB: some 190,000 answers of 1,400 bytes, a province's open cases of half a day.
    #[serde(with = "size")]
    pub bytes: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self { bytes: 256 << 20 }
    }
}

/// Every limit of the gateway. None may be zero; what is over a limit is refused, never queued without end.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one message from a caller. Default 64 KiB: a question about a family of ten has under 4 KiB, so more
    /// is a mistake or an attack.
    #[serde(with = "size")]
    pub message_bytes: usize,
    /// Bytes of the headers of one call. Default 16 KiB: ours have under 1 KiB, and each stream may hold this much.
    #[serde(with = "size")]
    pub header_bytes: u32,
    /// Connections at once. Default 1024: callers are systems that keep theirs open, tens per organisation; each
    /// costs some 100 KiB.
    #[serde(deserialize_with = "count")]
    pub connections: usize,
    /// Steps of TLS handshakes worked on at once; one more waits, within `handshake_timeout`. Default 2: they keep two processors
    /// busy at the most, which is some thousands of new connections a second. One whose client is to speak next is none.
    #[serde(deserialize_with = "count")]
    pub handshakes: usize,
    /// Time for a TLS handshake. Default 5 s: a real one takes milliseconds, an idle one holds a place.
    #[serde(with = "span")]
    pub handshake_timeout: Duration,
    /// Calls at once on one connection; a caller's library keeps one more back until another ends. At least 100: so many begin
    /// before the library is told, and one more is refused. Default 128: one connection cannot take every place of `in_flight`.
    #[serde(deserialize_with = "count")]
    pub streams_per_connection: u32,
    /// Calls at once in the whole gateway. Default 1024: at 2 s an agency that is 500 a second, above the peak of a
    /// province; beyond it a quick refusal helps more than a slow answer. One caller's single questions may be as many as
    /// places are left: half of them for one caller alone.
    #[serde(deserialize_with = "count")]
    pub in_flight: usize,
    /// How long whatever is ready may have to wait for a processor; while it is longer, fewer single questions are let in
    /// than `in_flight` says. Default 2 ms: a question comes up for a processor some five times, so it costs one a
    /// hundredth of a second at most, and one that waits for an agency needs none meanwhile.
    #[serde(with = "span")]
    pub processor_wait: Duration,
    /// Percent of `in_flight` that questions of cases and batches may hold, all together; one more waits for its turn,
    /// and callers take turns. Default 50, at most 100: however many cases there are, whoever asks a single question
    /// finds as many places as all of them.
    #[serde(deserialize_with = "count")]
    pub patient_percent: usize,
    /// Cases at once in the whole gateway; their questions wait for their turns. Default 2048: a case waits for agencies
    /// nearly all of its time and costs some 150 KiB, so two halls of a thousand counters are served.
    #[serde(deserialize_with = "count")]
    pub cases: usize,
    /// Cases at once of one caller. Default 1024, half of `cases`: a system that sends too many leaves as many places to
    /// the others.
    #[serde(deserialize_with = "count")]
    pub cases_per_caller: usize,
    /// Time for a case whose caller set no deadline. Default 60 s: the longest chain of questions is five agencies, each
    /// with time for a second attempt. At most 10 min, also where the caller allows more.
    #[serde(with = "span")]
    pub case_deadline: Duration,
    /// How long before its case an application may have been submitted, in whole days. Default 92 days: nobody waits longer
    /// for papers. The rule of that day decides, and every "months ago" counts from it, so it is not to be chosen at will.
    #[serde(with = "span")]
    pub application_age: Duration,
    /// Time for a call whose caller set no deadline. Default 10 s: longer than any agency's own time limit.
    #[serde(with = "span")]
    pub deadline_default: Duration,
    /// Kept back from the caller's time for recording and replying. Default 50 ms: a hundred times a durable write,
    /// so the reply of an agency that used up its time is still recorded and delivered. Less than `deadline_default`.
    #[serde(with = "span")]
    pub deadline_margin: Duration,
    /// Entries that wait for the log's writer. Default 4096: twice what can be in flight, an intent and an outcome
    /// of each; more means that the disk has stopped.
    #[serde(deserialize_with = "count")]
    pub log_queue: usize,
    /// How long a repeated `request_id` gets the recorded answer. Default 10 min, as the wire promises, and never less.
    #[serde(with = "span")]
    pub request_id_window: Duration,
    /// Request ids remembered at once. Default 100,000: ten minutes at 160 a second, the mean of a province; the
    /// oldest are forgotten first.
    #[serde(deserialize_with = "count")]
    pub request_id_entries: u64,
    /// Memory for the answers that they got; the oldest are forgotten first. Default 128 MiB: all of `request_id_entries`
    /// without receipts, which are some 1 KiB, and 20,000 with.
    #[serde(with = "size")]
    pub request_id_bytes: u64,
    /// Questions of one batch at once; the batch is read on only as they end. Default 64: four times the places of a
    /// usual agency, so that none stands idle, and so few that a batch cut off has little under way.
    #[serde(deserialize_with = "count")]
    pub batch_in_flight: usize,
    /// Longest time for one question of a batch, waiting for its turn included. Default 2 min: longer than a breaker
    /// stays open, so a short outage costs no row.
    #[serde(with = "span")]
    pub batch_deadline: Duration,
    /// Time for calls in flight when the gateway is told to stop. Default 30 s: three times `deadline_default`, and
    /// below the 90 s after which systemd kills.
    #[serde(with = "span")]
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 << 10,
            header_bytes: 16 << 10,
            connections: 1024,
            handshakes: 2,
            handshake_timeout: Duration::from_secs(5),
            streams_per_connection: 128,
            in_flight: 1024,
            processor_wait: Duration::from_millis(2),
            patient_percent: 50,
            cases: 2048,
            cases_per_caller: 1024,
            case_deadline: Duration::from_secs(60),
            application_age: Duration::from_secs(92 * 86_400),
            deadline_default: Duration::from_secs(10),
            deadline_margin: Duration::from_millis(50),
            log_queue: 4096,
            request_id_window: Duration::from_secs(600),
            request_id_entries: 100_000,
            request_id_bytes: 128 << 20,
            batch_in_flight: 64,
            batch_deadline: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Whose certificates count.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// The SPIFFE trust domain in callers' certificates. Default `heyan.test`, a name reserved for tests (RFC 6761):
    /// a production installation sets its own.
    pub domain: String,
}

impl Default for Trust {
    fn default() -> Self {
        Self { domain: "heyan.test".to_owned() }
    }
}
