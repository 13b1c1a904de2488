//! One life of a program: a process group, a socket in a folder of its own, and an end that leaves nothing behind.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, geteuid, kill_process_group, waitid};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::output;
use crate::adapters::manifest::Here;

/// Tells a program where to listen.
const SOCKET: &str = "HEYAN_ADAPTER_SOCKET";
/// Bytes of a socket's path that every system takes.
const SOCKET_PATH: usize = 103;
/// What a program sees of the gateway's own environment: where things are, and how to write. No setting, no secret.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];
/// Between two looks at whether it listens.
const LOOK: Duration = Duration::from_millis(10);
/// For the last words of a program that has ended; whoever inherited its output may keep it open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A running program. Dropped, it is killed with everything it started.
pub(super) struct Life {
    // In this order: the group is killed before its leader is let go. A number that has been waited for may be that of
    // another group of ours.
    group: Group,
    child: Child,
    /// Kept open: its end tells a program that the gateway is gone, however that went.
    stdin: Option<ChildStdin>,
    readers: JoinSet<()>,
    socket: Arc<Path>,
    process: u32,
    _folder: TempDir,
}

impl Life {
    /// Starts the program.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(super) fn begin(adapter: &str, here: &Here) -> Result<Self, String> {
        let no_folder = |error: io::Error| format!("there is no folder for its socket: {error}");
        let folder = tempfile::Builder::new()
            .prefix("heyan-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(no_folder)?;
        let socket = folder.path().join("adapter");
        if socket.as_os_str().len() > SOCKET_PATH {
            let place = socket.display();
            return Err(format!("`{place}` is too long for a socket: set TMPDIR to a short path"));
        }
        let mut child = command(here, &socket)
            .spawn()
            .map_err(|error| format!("`{}` cannot be started: {error}", here.program.display()))?;
        let process = child.id().ok_or("it ended at once")?;
        let mut readers = JoinSet::new();
        let from = |stream| output::Origin { adapter: adapter.to_owned(), stream, log: here.log };
        if let Some(pipe) = child.stdout.take() {
            readers.spawn(output::read(pipe, from("stdout")));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.spawn(output::read(pipe, from("stderr")));
        }
        Ok(Self {
            group: Group::led_by(process),
            stdin: child.stdin.take(),
            child,
            readers,
            socket: Arc::from(socket),
            process,
            _folder: folder,
        })
    }

    /// Its process.
    pub(super) fn process(&self) -> u32 {
        self.process
    }

    /// Waits until something listens on the socket.
    pub(super) fn listening(&self) -> impl Future<Output = ()> + use<> {
        let socket = Arc::clone(&self.socket);
        async move {
            while connect(&socket).await.is_err() {
                sleep(LOOK).await;
            }
        }
    }

    /// A channel over the socket; it connects when it is used, and again when it breaks.
    pub(super) fn channel(&self) -> Channel {
        let socket = Arc::clone(&self.socket);
        let connect = service_fn(move |_: http::Uri| {
            let socket = Arc::clone(&socket);
            async move { connect(&socket).await.map(TokioIo::new) }
        });
        // The address is never looked up.
        Endpoint::from_static("http://localhost").connect_with_connector_lazy(connect)
    }

    /// Waits until it ends by itself, and says how. Nothing of it is left then. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> String {
        self.group.leader_ends().await;
        self.group.kill();
        let exit = self.child.wait().await;
        exit.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Tells it to end, kills it with everything it started when that takes too long, and says how it ended.
    pub(super) async fn end(mut self, within: Duration) -> String {
        drop(self.stdin.take());
        self.group.signal(Signal::TERM);
        let exit = match timeout(within, self.ended()).await {
            Ok(exit) => exit,
            Err(_) => {
                self.group.signal(Signal::KILL);
                self.ended().await
            }
        };
        let last_words = async { while self.readers.join_next().await.is_some() {} };
        let _cut_off = timeout(LAST_WORDS, last_words).await;
        exit
    }
}

fn command(here: &Here, socket: &Path) -> Command {
    let mut command = Command::new(&here.program);
    let passed_on = |name: &&'static str| env::var_os(name).map(|value| (*name, value));
    let passed_on: Vec<(&str, OsString)> = PASSED_ON.iter().filter_map(passed_on).collect();
    command
        .args(&here.arguments)
        .current_dir(&here.folder)
        .env_clear()
        .envs(passed_on)
        .envs(here.environment.iter().map(|(name, value)| (name, value)))
        .env(SOCKET, socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: what it starts ends with it, and a Ctrl-C meant for the gateway does not reach it.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Only one who is who we are may answer: the folder keeps others out, and this says so again.
async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket).await?;
    if stream.peer_cred()?.uid() == geteuid().as_raw() {
        return Ok(stream);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user listens on the socket"))
}

/// The process group of a program that has not been waited for: until then its number is nobody else's.
struct Group(Option<Pid>);

impl Group {
    fn led_by(process: u32) -> Self {
        Self(i32::try_from(process).ok().and_then(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        // It fails when nobody is left, which is what is wanted.
        let _is_gone = self.0.map(|leader| kill_process_group(leader, signal));
    }

    /// Waits until its leader has ended, and leaves it to be waited for.
    async fn leader_ends(&self) {
        let Some(leader) = self.0 else { return };
        let has_ended = || {
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            // It fails when somebody has waited for it, so it has ended.
            waitid(WaitId::Pid(leader), look).map_or(true, |found| found.is_some())
        };
        // Before the first look: an end between that and the waiting must wake this.
        let mut ends = signal(SignalKind::child());
        while !has_ended() {
            match &mut ends {
                Ok(ends) => drop(ends.recv().await),
                Err(_) => sleep(LOOK).await,
            }
        }
    }

    /// Kills whoever is left, once.
    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
