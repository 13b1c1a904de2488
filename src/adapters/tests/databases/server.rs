//! A database server of this machine, started for the tests on a port of its own. It never outlives their process.
//!
//! A small shell watches a pipe whose other end only the test process holds: whatever ends that process closes the
//! pipe, and the shell ends the server and removes its folder.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::sync::{RwLock, RwLockReadGuard};

use super::Kind;

/// Both servers refuse to run as root; this account may do nothing.
const NOBODY: u32 = 65_534;
/// A busy machine may take this long to begin or end a server.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the tests of one kind share a server.
pub(super) type Place = RwLock<Option<Server>>;

/// A server, its folder and its authority.
pub(super) struct Server {
    kind: Kind,
    folder: PathBuf,
    is_root: bool,
    pub(super) port: u16,
    /// The authority that its certificate is of.
    pub(super) ca: String,
    process: Mutex<Option<Child>>,
    watchdog: Child,
}

/// The shared server, begun where it does not run.
pub(super) async fn running(kind: Kind) -> RwLockReadGuard<'static, Server> {
    loop {
        let shared = kind.place().read().await;
        match RwLockReadGuard::try_map(shared, |server| server.as_ref().filter(|s| s.is_running()))
        {
            Ok(server) => return server,
            Err(none) => drop(none),
        }
        match &mut *kind.place().write().await {
            Some(server) if !server.is_running() => server.begin().unwrap(),
            Some(_) => {}
            none => *none = Some(Server::new(kind)),
        }
    }
}

impl Server {
    pub(super) fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let is_root = fs::metadata(&folder).unwrap().uid() == 0;
        let watchdog = watchdog(&folder);
        let ca = certify(&folder);
        for file in ["", "server.pem", "server.key"] {
            hand_over(&folder.join(file), is_root);
        }
        let process = Mutex::new(None);
        let mut server = Self { kind, folder, is_root, port: 0, ca, process, watchdog };
        server.prepare();
        // Between finding a port free and the server taking it, somebody else may.
        let begun = (0..5).any(|_| {
            server.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            server.begin().is_ok()
        });
        assert!(begun, "{}", server.log());
        fs::write(server.folder.join("begun"), "").unwrap();
        server
    }

    /// Starts it on its port and waits until it takes questions.
    pub(super) fn begin(&self) -> Result<(), String> {
        let log = File::create(self.folder.join("log")).unwrap();
        let mut command = self.command(self.kind.program());
        command.args(self.arguments()).stdin(Stdio::null());
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        fs::write(self.folder.join("pid"), process.id().to_string()).unwrap();
        *self.process.lock().unwrap() = Some(process);
        let started = Instant::now();
        while !self.log().contains(self.kind.ready()) {
            if !self.is_running() || started.elapsed() > PATIENCE {
                return Err(self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends it at once, with whatever it is doing.
    pub(super) fn end(&self) {
        let Some(mut process) = self.process.lock().unwrap().take() else { return };
        // PostgreSQL's processes end together only when the first of them is asked to.
        let _ended = Command::new("kill").args(["-QUIT", &process.id().to_string()]).status();
        if self.kind == Kind::MariaDb {
            process.kill().unwrap();
        }
        process.wait().unwrap();
        let _stale = fs::remove_file(self.folder.join("pid"));
    }

    fn is_running(&self) -> bool {
        let mut process = self.process.lock().unwrap();
        process.as_mut().is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The program, as somebody who is not root.
    fn command(&self, program: &str) -> Command {
        let program = find(program);
        let mut command = if self.is_root {
            let mut command = Command::new(find("setpriv"));
            command.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")]);
            command.arg("--clear-groups").arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder).env("LC_ALL", "C");
        command
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// Makes the server's files, with the tables of the tests.
    fn prepare(&self) {
        match self.kind {
            Kind::PostgreSql => {
                let mut made = self.command("initdb");
                made.args(["--pgdata", &self.path("data"), "--username=owner", "--no-sync"]);
                made.args(["--auth=reject", "--encoding=UTF8", "--locale=C"]);
                self.finish(made, "");
                fs::write(
                    self.folder.join("data/pg_hba.conf"),
                    "hostssl all all all scram-sha-256\n",
                )
                .unwrap();
                for (database, sql) in
                    [("postgres", "CREATE DATABASE front;\n"), ("front", &self.kind.tables())]
                {
                    let mut alone = self.command("postgres");
                    alone.args(["--single", "-j", "-F", "-D", &self.path("data"), database]);
                    self.finish(alone, &sql.replace(";\n", ";\n\n"));
                }
            }
            Kind::MariaDb => {
                fs::create_dir(self.folder.join("data")).unwrap();
                hand_over(&self.folder.join("data"), self.is_root);
                fs::write(self.folder.join("tables.sql"), self.kind.tables()).unwrap();
                let mut sql = "CREATE DATABASE mysql;\nUSE mysql;\n".to_owned();
                sql += "SET @auth_root_socket=NULL, @skip_auth_anonymous=1;\n";
                let shared = ["/usr/share/mysql", "/usr/share/mariadb"].map(Path::new);
                for part in ["mysql_system_tables.sql", "mysql_system_tables_data.sql"] {
                    let file = shared.iter().map(|shared| shared.join(part)).find(|f| f.exists());
                    sql += &fs::read_to_string(file.expect("MariaDB's system tables")).unwrap();
                }
                let mut alone = self.command("mariadbd");
                alone.args(self.settings()).arg("--bootstrap");
                self.finish(alone, &sql);
            }
        }
    }

    /// Runs a program to its end with that input.
    fn finish(&self, mut command: Command, input: &str) {
        let file = self.folder.join("input");
        fs::write(&file, input).unwrap();
        let output = command.stdin(File::open(file).unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("ERROR"), "{command:?}: {said}");
    }

    /// MariaDB's files, as small as they can be.
    fn settings(&self) -> Vec<String> {
        let data = self.path("data");
        [
            "--no-defaults",
            &format!("--datadir={data}"),
            "--innodb-log-file-size=4M",
            "--innodb-buffer-pool-size=8M",
            "--innodb-temp-data-file-path=ibtmp1:4M:autoextend",
            "--innodb-flush-log-at-trx-commit=0",
            "--skip-name-resolve",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn arguments(&self) -> Vec<String> {
        let port = self.port;
        let [certificate, key] = ["server.pem", "server.key"].map(|name| self.path(name));
        if self.kind == Kind::PostgreSql {
            let mut arguments = vec!["-D".to_owned(), self.path("data")];
            for setting in [
                format!("port={port}"),
                "listen_addresses=127.0.0.1".to_owned(),
                "unix_socket_directories=".to_owned(),
                "fsync=off".to_owned(),
                "ssl=on".to_owned(),
                format!("ssl_cert_file={certificate}"),
                format!("ssl_key_file={key}"),
            ] {
                arguments.extend(["-c".to_owned(), setting]);
            }
            return arguments;
        }
        let mut arguments = self.settings();
        arguments.extend([
            format!("--port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--socket={}", self.path("socket")),
            format!("--pid-file={}", self.path("own_pid")),
            format!("--ssl-cert={certificate}"),
            format!("--ssl-key={key}"),
            "--require-secure-transport=ON".to_owned(),
            "--default-time-zone=+00:00".to_owned(),
        ]);
        // Only the first time: the tables are there afterwards.
        if !self.folder.join("begun").exists() {
            arguments.push(format!("--init-file={}", self.path("tables.sql")));
        }
        arguments
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        drop(self.watchdog.stdin.take());
        let _ended = self.watchdog.wait();
    }
}

/// A program of this machine; servers are rarely on a user's path.
fn find(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from));
    for versions in ["/usr/lib/postgresql", "/usr/local"] {
        let versions = fs::read_dir(versions).into_iter().flatten().flatten();
        folders.extend(versions.map(|version| version.path().join("bin")));
    }
    let found = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "`{name}` is not installed, and this test asks a real server: `.ci/run` installs it \
             (`apt-get install --no-install-recommends postgresql mariadb-server-core util-linux`)"
        )
    })
}

fn watchdog(folder: &Path) -> Child {
    let script = "trap '' INT HUP TERM; cat; kill -KILL $(cat \"$0/pid\"); \
                  for _ in $(seq 50); do rm -rf \"$0\" && break; sleep 0.1; done";
    let mut command = Command::new("sh");
    command.args(["-c", script, folder.to_str().unwrap()]).stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Writes a certificate for `localhost`, and says whose it is.
fn certify(folder: &Path) -> String {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    authority
}

fn hand_over(path: &Path, is_root: bool) {
    if is_root {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}
