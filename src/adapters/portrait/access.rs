//! How the agency is reached, and where the files for that are.

use std::time::Duration;

use super::Bearing::{Answers, Reach};
use super::Terms;
use crate::adapters::manifest::{Access, Database, Dialect, Folder, Manifest, Program, Runs, Site};
use crate::crypto;

pub(super) fn tell(manifest: &Manifest, terms: &mut Terms) {
    terms.put(Reach, "transport", manifest.access.kind());
    match &manifest.access {
        Access::Http(site) => site_of("http", site, terms),
        Access::Soap(site, version) => {
            terms.put(Reach, "soap.version", version.number());
            site_of("soap", site, terms);
        }
        Access::Sql(database) => database_of(database, terms),
        Access::File(folder) => folder_of(folder, terms),
        Access::Grpc(program) => program_of(program, manifest, terms),
    }
    for (key, value) in &manifest.references {
        // Another program may say something else.
        let bearing = if key == "grpc.command" { Answers } else { Reach };
        let is_secret = key.starts_with("secrets.");
        let key = key.strip_suffix(".file").filter(|_| is_secret).unwrap_or(key);
        terms.put(bearing, key, value.clone());
    }
}

fn site_of(kind: &str, site: &Site, terms: &mut Terms) {
    terms.put(Reach, format!("{kind}.base"), site.base.clone());
    terms.put(Reach, format!("{kind}.timeout"), span(site.timeout));
    terms.put(Reach, format!("{kind}.max_body"), format!("{} bytes", site.max_body));
    terms.put(Reach, format!("{kind}.http"), if site.offers_http2 { "2" } else { "1.1" });
    terms.put(Answers, format!("{kind}.charset"), site.charset.name());
    let declared = if site.heeds_declared { "checked" } else { "ignored" };
    terms.put(Answers, format!("{kind}.declared_charset"), declared);
    if !site.shape.lists.is_empty() {
        let mut lists = site.shape.lists.clone();
        lists.sort();
        terms.put(Answers, format!("{kind}.arrays"), lists.join(", "));
    }
    for (prefix, uri) in &site.shape.namespaces {
        terms.put(Answers, format!("{kind}.namespaces.{prefix}"), uri.clone());
    }
}

fn database_of(database: &Database, terms: &mut Terms) {
    let dialect = match database.dialect {
        Dialect::PostgreSql => "postgresql",
        Dialect::MySql => "mysql",
    };
    terms.put(Reach, "sql.dialect", dialect);
    terms.put(Reach, "sql.host", database.host.clone());
    terms.put(Reach, "sql.port", database.port.to_string());
    terms.put(Reach, "sql.database", database.database.clone());
    terms.put(Reach, "sql.user", database.user.clone());
    terms.put(Reach, "sql.statement_timeout", span(database.statement_timeout));
    terms.put(Reach, "sql.max_rows", database.max_rows.to_string());
    terms.put(Reach, "sql.max_connections", database.max_connections.to_string());
}

fn folder_of(folder: &Folder, terms: &mut Terms) {
    let (before, after) = &folder.name;
    let pattern =
        after.as_ref().map_or_else(|| before.clone(), |after| format!("{before}*{after}"));
    terms.put(Reach, "file.pattern", pattern);
    terms.put(Answers, "file.as_of_in", folder.dated.name());
    terms.put(Answers, "file.as_of", folder.as_of.clone());
    // The two functions that there are differ in what they make of nothing.
    let is_sm3 = (folder.digest)().finish() == crypto::sm3(b"");
    terms.put(Reach, "file.digest", if is_sm3 { "sm3" } else { "sha256" });
    terms.put(Answers, "file.charset", folder.charset.name());
    terms.put(Answers, "file.separator", char::from(folder.separator).to_string());
    if !folder.columns.is_empty() {
        terms.put(Answers, "file.columns", folder.columns.join(", "));
    }
    terms.put(Answers, "file.key", folder.key.clone());
    terms.put(Reach, "file.max_age", span(folder.max_age));
    terms.put(Reach, "file.max_bytes", format!("{} bytes", folder.max_bytes));
    terms.put(Answers, "file.min_rows", folder.min_rows.to_string());
    terms.put(Reach, "file.max_rows", folder.max_rows.to_string());
}

fn program_of(program: &Program, manifest: &Manifest, terms: &mut Terms) {
    terms.put(Reach, "grpc.timeout", span(program.timeout));
    match &program.place {
        Runs::Remote(place) => {
            terms.put(Reach, "grpc.endpoint", format!("https://{}", place.authority));
            terms.put(Reach, "grpc.server_name", place.server_name.clone());
        }
        Runs::Here(place) => {
            if !place.arguments.is_empty() {
                terms.put(Answers, "grpc.command.arguments", place.arguments.join(" "));
            }
            for (name, value) in &place.environment {
                let is_secret = manifest.references.contains_key(&format!("grpc.secrets.{name}"));
                if !is_secret {
                    let value = value.to_string_lossy();
                    terms.put(Answers, format!("grpc.environment.{name}"), value);
                }
            }
            terms.put(Reach, "grpc.start_within", span(place.start_within));
            terms.put(Reach, "grpc.stop_within", span(place.stop_within));
            terms.put(Reach, "grpc.log", place.log.to_string());
        }
    }
}

/// A length of time in words.
pub(super) fn span(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}
