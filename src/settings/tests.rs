//! Each refusal once, and the sample against the defaults.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

const SAMPLE: &str = include_str!("../../config-example/gateway.toml");
const TLS: &str = "[tls]\ncertificate = \"tls.pem\"\nkey = \"tls.key\"\n";

/// A folder with all that the settings below name; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("heyan-settings-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        for folder in ["parties", "agreements", "orders", "adapters", "catalogue", "keys"] {
            fs::create_dir_all(path.join(folder)).unwrap();
        }
        let folder = Self(path);
        for file in ["tls.pem", "tls.key", "keys/log.key"] {
            folder.write(file, "", 0o600);
        }
        folder
    }

    fn write(&self, file: &str, text: &str, mode: u32) {
        let path = self.0.join(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn read(&self, text: &str, variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        self.write("gateway.toml", text, 0o644);
        let variables = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Settings::read(&self.0.join("gateway.toml"), variables)
            .map_err(|findings| findings.iter().map(ToString::to_string).collect())
    }

    /// The only finding, less the folder's name.
    fn refusal(&self, text: &str, variables: &[(&str, &str)]) -> String {
        let findings = self.read(text, variables).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings[0].replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn defaults_files_and_variables_are_layered_and_paths_are_absolute() {
    let folder = Folder::new("layers");
    let text = format!("listen = \"127.0.0.1:1\"\n{TLS}[limits]\nin_flight = 7\n");
    let variables = [
        ("HEYAN__LISTEN", "127.0.0.1:2"),
        ("HEYAN__LIMITS__CONNECTIONS", "9"),
        ("HEYAN__CACHE__BYTES", "1 MiB"),
        ("HEYAN__REFLECTION", "true"),
        ("HEYAN__LIMITS__DRAIN_TIMEOUT", "1m"),
        ("HEYAN_UNRELATED", "x"),
        ("PATH", "/bin"),
    ];
    let settings = folder.read(&text, &variables).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:2".parse().unwrap());
    assert_eq!((settings.limits.in_flight, settings.limits.connections), (7, 9));
    assert_eq!(settings.limits.drain_timeout.as_secs(), 60);
    assert_eq!((settings.cache.bytes, settings.reflection), (1 << 20, true));
    assert_eq!(settings.limits.message_bytes, 64 << 10);
    assert_eq!(settings.parties, folder.0.join("parties"));
    assert_eq!(settings.log.folder, folder.0.join("log"));
    assert_eq!(settings.tls.key, folder.0.join("tls.key"));
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    let folder = Folder::new("unknown");
    let refusal = folder.refusal(&format!("{TLS}[limits]\n\nconections = 3\n"), &[]);
    let nearest = "did you mean `limits.connections`?";
    assert_eq!(refusal, format!("gateway.toml:6:1: unknown key `limits.conections`; {nearest}"));
    let refusal = folder.refusal(&format!("in_flight = 3\n{TLS}"), &[]);
    assert!(refusal.ends_with("did you mean `limits.in_flight`?"), "{refusal}");
    let refusal = folder.refusal(&format!("{TLS}[limit]\nin_flight = 3\n"), &[]);
    assert!(refusal.ends_with("did you mean `limits`?"), "{refusal}");
}

#[test]
fn unknown_variables_are_refused_with_the_nearest_name() {
    let folder = Folder::new("variables");
    let refusal = folder.refusal(TLS, &[("HEYAN__CACHE__BYTE", "1 B")]);
    let nearest = "did you mean `HEYAN__CACHE__BYTES`?";
    assert_eq!(refusal, format!("HEYAN__CACHE__BYTE: unknown variable; {nearest}"));
    let refusal = folder.refusal(TLS, &[("HEYAN__cache__bytes", "1 B")]);
    assert!(refusal.ends_with(nearest), "{refusal}");
}

#[test]
fn values_of_the_wrong_kind_are_refused_where_they_were_written() {
    let folder = Folder::new("kinds");
    for (key, value, problem) in [
        ("in_flight", "\"many\"", "invalid type: string"),
        ("message_bytes", "65536", "invalid type: integer"),
        ("message_bytes", "\"64 kilos\"", "`64 kilos` is no size such as"),
        ("handshake_timeout", "\"soon\"", "`soon` is no duration"),
        ("in_flight", "-1", "invalid value: integer `-1`"),
        ("header_bytes", "\"8 GiB\"", "`8 GiB` is too much"),
    ] {
        let refusal = folder.refusal(&format!("{TLS}[limits]\n{key} = {value}\n"), &[]);
        let expected = format!("gateway.toml:5:1: `limits.{key}`: {problem}");
        assert!(refusal.starts_with(&expected), "{refusal}");
    }
    let refusal = folder.refusal(TLS, &[("HEYAN__LIMITS__IN_FLIGHT", "many")]);
    assert!(refusal.starts_with("HEYAN__LIMITS__IN_FLIGHT: invalid type"), "{refusal}");
    let refusal = folder.refusal(TLS, &[("HEYAN__TELEMETRY__FORMAT", "jsn")]);
    let expected = "HEYAN__TELEMETRY__FORMAT: `jsn` is neither `text` nor `json`";
    assert_eq!(refusal, expected);
    let refusal = folder.refusal(&format!("{TLS}[limits\n"), &[]);
    assert!(refusal.starts_with("gateway.toml:4:"), "{refusal}");
}

#[test]
fn no_limit_is_zero() {
    let folder = Folder::new("zero");
    let limits = toml::Table::try_from(Limits::default()).unwrap();
    assert!(limits.len() > 10);
    for (key, value) in &limits {
        let zero = match value {
            toml::Value::Integer(_) => "0",
            toml::Value::String(text) if text.ends_with('B') => "\"0 KiB\"",
            _ => "\"0s\"",
        };
        let refusal = folder.refusal(&format!("{TLS}[limits]\n{key} = {zero}\n"), &[]);
        assert!(refusal.ends_with("must let something pass"), "{refusal}");
    }
    for key in ["look_every", "calls", "calls_per_caller", "opened_per_day"] {
        let zero = if key == "look_every" { "\"0s\"" } else { "0" };
        let refusal = folder.refusal(&format!("{TLS}[disputes]\n{key} = {zero}\n"), &[]);
        assert!(refusal.ends_with("must let something pass"), "{refusal}");
    }
}

#[test]
fn there_are_no_more_threads_than_the_log_has_clerks_for() {
    let folder = Folder::new("threads");
    assert!(folder.read(&format!("threads = 128\n{TLS}"), &[]).is_ok());
    let refusal = folder.refusal(&format!("threads = 129\n{TLS}"), &[]);
    assert!(
        refusal.ends_with("`threads`: must be at most 128; 0 is one for each processor"),
        "{refusal}"
    );
}

#[test]
fn the_admin_port_stays_on_loopback() {
    let folder = Folder::new("admin");
    let refusal = folder.refusal(&format!("admin = \"0.0.0.0:7480\"\n{TLS}"), &[]);
    assert!(refusal.starts_with("gateway.toml:1:1: `admin`: `0.0.0.0:7480` can be"), "{refusal}");
    let refusal = folder.refusal(TLS, &[("HEYAN__ADMIN", "10.0.0.1:80")]);
    assert!(refusal.starts_with("HEYAN__ADMIN: `10.0.0.1:80` can be reached"), "{refusal}");
    let refusal = folder.refusal(TLS, &[("HEYAN__ADMIN", "127.0.0.1:7443")]);
    assert!(refusal.ends_with("the same address as `listen`"), "{refusal}");
    assert!(folder.read(TLS, &[("HEYAN__ADMIN", "[::1]:7480")]).is_ok());
}

#[test]
fn missing_and_exposed_files_are_refused() {
    let folder = Folder::new("files");
    folder.write("tls.key", "", 0o640);
    let refusal = folder.refusal(TLS, &[]);
    assert!(refusal.starts_with("gateway.toml:3:1: `tls.key`: the private key"), "{refusal}");
    assert!(refusal.contains("mode 640"), "{refusal}");
    folder.write("tls.key", "", 0o600);

    fs::remove_file(folder.0.join("keys/log.key")).unwrap();
    let refusal = folder.refusal(TLS, &[]);
    assert!(refusal.starts_with("gateway.toml: `log.key`: cannot read"), "{refusal}");
    folder.write("keys/log.key", "", 0o600);

    let refusal = folder.refusal(&format!("catalogue = \"facts\"\n{TLS}"), &[]);
    assert!(refusal.starts_with("gateway.toml:1:1: `catalogue`: the folder"), "{refusal}");
    let refusal = folder.refusal(TLS, &[("HEYAN__TLS__CERTIFICATE", "gone.pem")]);
    assert!(refusal.starts_with("HEYAN__TLS__CERTIFICATE: the file"), "{refusal}");
}

#[test]
fn values_that_do_not_fit_together_are_refused() {
    let folder = Folder::new("together");
    let refusal = folder.refusal(TLS, &[("HEYAN__LIMITS__DEADLINE_MARGIN", "10s")]);
    assert!(refusal.contains("must be less than `limits.deadline_default`"), "{refusal}");
    let refusal = folder.refusal(TLS, &[("HEYAN__LIMITS__LOG_QUEUE", "2047")]);
    assert!(refusal.contains("at least twice `limits.in_flight`"), "{refusal}");
    let refusal = folder.refusal(TLS, &[("HEYAN__LIMITS__REQUEST_ID_WINDOW", "9m")]);
    assert!(refusal.contains("must be at least 10m"), "{refusal}");
    let streams = "HEYAN__LIMITS__STREAMS_PER_CONNECTION";
    assert!(folder.read(TLS, &[(streams, "100")]).is_ok());
    let refusal = folder.refusal(TLS, &[(streams, "99")]);
    assert!(refusal.contains("must be at least 100, as many calls as callers begin"), "{refusal}");
    for beat in ["99ms", "61s"] {
        let refusal = folder.refusal(TLS, &[("HEYAN__LOG__PUBLISH_EVERY", beat)]);
        assert!(refusal.contains("from 100ms to 60s"), "{refusal}");
    }
    let refusal = folder.refusal(TLS, &[("HEYAN__TRUST__DOMAIN", "Heyan/Test")]);
    assert!(refusal.contains("no SPIFFE trust domain"), "{refusal}");
    let refusal = folder.refusal(TLS, &[("HEYAN__TELEMETRY__LOG", "heyan=loud")]);
    assert!(refusal.starts_with("HEYAN__TELEMETRY__LOG: `heyan=loud` is no filter"), "{refusal}");
}

#[test]
fn every_finding_is_reported_at_once() {
    let folder = Folder::new("all");
    let text = "admin = \"0.0.0.0:1\"\nlisen = \"x\"\n[limits]\nin_flight = 0\nlog_queue = \"x\"\n";
    let findings = folder.read(text, &[("HEYAN__NOPE", "x")]).unwrap_err();
    // admin, lisen, in_flight, log_queue, HEYAN__NOPE, tls.certificate, tls.key
    assert_eq!(findings.len(), 7, "{findings:#?}");
}

#[test]
fn the_sample_documents_every_key_with_its_default() {
    let mut sample: toml::Table = toml::from_str(SAMPLE).unwrap();
    let mut defaults = toml::Table::try_from(Settings::default()).unwrap();
    // These two have no default.
    for settings in [&mut sample, &mut defaults] {
        let tls = settings.remove("tls").unwrap();
        assert_eq!(tls.as_table().unwrap().keys().collect::<Vec<_>>(), ["certificate", "key"]);
    }
    let parsed: Settings = sample.clone().try_into().unwrap();
    let parsed = toml::Table::try_from(parsed).unwrap();
    for (section, expected) in &defaults {
        assert_eq!(parsed.get(section), Some(expected), "{section}");
        match (expected.as_table(), sample.get(section).and_then(toml::Value::as_table)) {
            (Some(expected), Some(shown)) => assert!(expected.keys().eq(shown.keys()), "{section}"),
            (Some(_), None) => panic!("[{section}] is not in the sample"),
            (None, _) => assert!(sample.contains_key(section), "`{section}` is not in the sample"),
        }
    }
    let lines: Vec<&str> = SAMPLE.lines().collect();
    for pair in lines.windows(2) {
        if pair[1].split_once(" = ").is_some_and(|_| !pair[1].starts_with('#')) {
            assert!(pair[0].starts_with("# "), "`{}` has no comment above it", pair[1]);
            let says = pair[0].contains("Default") || pair[0].contains("No default");
            assert!(says, "the comment above `{}` does not name the default", pair[1]);
        }
    }
}
