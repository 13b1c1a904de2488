//! The second stage: paths become absolute, files must be there and private keys private, limits must fit together.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Settings;
use super::source::Sources;
use crate::{cases, crypto, telemetry, workers};

/// Longest trust domain (SPIFFE ID specification §2.1), in bytes.
const DOMAIN_BYTES: usize = 255;

/// More often the disk only flushes checkpoints; more rarely those who compare them see too little.
const PUBLISH_EVERY: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60);

/// The wire promises as much, and `heyan batch` goes on by it without asking anybody twice.
const REQUEST_ID_WINDOW_LEAST: Duration = Duration::from_secs(600);

/// What callers' libraries begin on a new connection before they are told how many calls it takes: below this, RFC 9113
/// advises (§6.5.2), no server should go. What is above the limit then is refused by HTTP/2 itself, without a reason.
const STREAMS_LEAST: u32 = 100;

pub(super) fn check(settings: &mut Settings, sources: &mut Sources<'_>) {
    let folder = settings.file.parent().unwrap_or(Path::new("/")).to_owned();
    check_addresses(settings, sources);

    for (key, path) in [
        ("parties", &mut settings.parties),
        ("agreements", &mut settings.agreements),
        ("orders", &mut settings.orders),
        ("adapters", &mut settings.adapters),
        ("catalogue", &mut settings.catalogue),
    ] {
        settle(&folder, path);
        if !path.is_dir() {
            sources.refuse(key, format!("the folder `{}` does not exist", path.display()));
        }
    }
    settings.manifests.secrets.iter_mut().for_each(|path| settle(&folder, path));
    settings.manifests.queues.iter_mut().for_each(|path| settle(&folder, path));
    settle(&folder, &mut settings.disputes.folder);
    settle(&folder, &mut settings.log.folder);
    if !settings.log.witness.as_os_str().is_empty() {
        settle(&folder, &mut settings.log.witness);
    }

    if given("tls.certificate", &settings.tls.certificate, sources) {
        settle(&folder, &mut settings.tls.certificate);
        if !settings.tls.certificate.is_file() {
            let path = settings.tls.certificate.display();
            sources.refuse("tls.certificate", format!("the file `{path}` does not exist"));
        }
    }
    for (key, path) in [("tls.key", &mut settings.tls.key), ("log.key", &mut settings.log.key)] {
        if given(key, path, sources) {
            settle(&folder, path);
            if let Err(error) = crypto::refuse_exposed(path) {
                sources.refuse(key, chain(&error));
            }
        }
    }
    let cosigner = &mut settings.log.cosigner_key;
    if !cosigner.as_os_str().is_empty() {
        settle(&folder, cosigner);
        if let Err(error) = crypto::refuse_exposed(cosigner) {
            sources.refuse("log.cosigner_key", chain(&error));
        }
    }
    check_vault(&folder, settings, sources);
    check_values(settings, sources);
}

/// Nothing is asked of a vault that is off, but a half-named one is a mistake.
fn check_vault(folder: &Path, settings: &mut Settings, sources: &mut Sources<'_>) {
    let vault = &mut settings.vault;
    settle(folder, &mut vault.keys);
    if !vault.is_on() {
        if !vault.subject_key.as_os_str().is_empty() {
            sources.refuse("vault.subject_key", "set, but `vault.key` is not: the vault is off");
        }
        return;
    }
    if !vault.keys.is_dir() {
        let path = vault.keys.display();
        sources.refuse("vault.keys", format!("the folder `{path}` does not exist"));
    }
    for (key, path) in
        [("vault.key", &mut vault.key), ("vault.subject_key", &mut vault.subject_key)]
    {
        if given(key, path, sources) {
            settle(folder, path);
            if let Err(error) = crypto::refuse_exposed(path) {
                sources.refuse(key, chain(&error));
            }
        }
    }
}

fn check_addresses(settings: &Settings, sources: &mut Sources<'_>) {
    if !settings.admin.ip().is_loopback() {
        let problem = format!(
            "`{}` can be reached from other machines, and nobody is asked there who they are; use 127.0.0.1 or [::1]",
            settings.admin
        );
        sources.refuse("admin", problem);
    }
    if settings.admin == settings.listen && settings.admin.port() != 0 {
        sources.refuse("admin", "the same address as `listen`");
    }
}

fn check_values(settings: &Settings, sources: &mut Sources<'_>) {
    if settings.limits.deadline_margin >= settings.limits.deadline_default {
        let problem = "must be less than `limits.deadline_default`, or no time is left to ask";
        sources.refuse("limits.deadline_margin", problem);
    }
    if settings.limits.log_queue < 2 * settings.limits.in_flight {
        // A numbered question that finds no place would leave a gap in its caller's numbers, which auditors look for.
        let problem = "must be at least twice `limits.in_flight`, so that whatever is admitted can be recorded";
        sources.refuse("limits.log_queue", problem);
    }
    if settings.limits.request_id_window < REQUEST_ID_WINDOW_LEAST {
        sources.refuse(
            "limits.request_id_window",
            "must be at least 10m, on which callers that repeat rely",
        );
    }
    if settings.limits.patient_percent > 100 {
        sources.refuse("limits.patient_percent", "must be at most 100");
    }
    if settings.limits.streams_per_connection < STREAMS_LEAST {
        let problem = format!(
            "must be at least {STREAMS_LEAST}, as many calls as callers begin before they are told the limit"
        );
        sources.refuse("limits.streams_per_connection", problem);
    }
    if settings.threads > workers::MOST {
        let problem = format!("must be at most {}; 0 is one for each processor", workers::MOST);
        sources.refuse("threads", problem);
    }
    if settings.limits.case_deadline > cases::LONGEST {
        sources.refuse("limits.case_deadline", "must be at most 10m");
    }
    if !PUBLISH_EVERY.contains(&settings.log.publish_every) {
        sources.refuse("log.publish_every", "must be from 100ms to 60s");
    }
    let domain = &settings.trust.domain;
    let admitted = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
    };
    if domain.is_empty() || domain.len() > DOMAIN_BYTES || !domain.bytes().all(admitted) {
        let problem = format!(
            "`{domain}` is no SPIFFE trust domain: lower-case letters, digits, `.`, `-` and `_`, such as `hn-gjj.example`"
        );
        sources.refuse("trust.domain", problem);
    }
    if let Err(problem) = telemetry::check_filter(&settings.telemetry.log) {
        sources.refuse("telemetry.log", problem);
    }
}

fn given(key: &str, path: &Path, sources: &mut Sources<'_>) -> bool {
    let given = !path.as_os_str().is_empty();
    if !given {
        sources.refuse(key, "missing: it has no default");
    }
    given
}

fn settle(folder: &Path, path: &mut PathBuf) {
    *path = folder.join(&*path);
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
