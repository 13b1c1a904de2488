//! What the machine lets a test do: mount a disk of its own, shut it off, let system calls fail.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Ends a file system as a power cut does: nothing of its cache or journal is written any more (`FS_IOC_SHUTDOWN`
/// with `NOLOGFLUSH`).
const SHUTDOWN: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

fn run(program: &str, arguments: &[&str]) -> Result<Output, String> {
    let ended = Command::new(program).args(arguments).output();
    let output = ended.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    if output.status.success() { Ok(output) } else { Err(format!("{program}: {said}")) }
}

/// A small ext4 of its own, mounted.
pub(super) struct OwnDisk {
    image: PathBuf,
    mounted_on: PathBuf,
}

impl OwnDisk {
    /// Makes and mounts it in that folder, or says what is not permitted or missing.
    pub(super) fn new(place: &TempDir, mebibytes: u64) -> Result<Self, String> {
        let (image, mounted_on) = (place.path().join("disk"), place.path().join("mounted"));
        std::fs::create_dir(&mounted_on).unwrap();
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(mebibytes << 20).unwrap();
        run("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()])?;
        let disk = Self { image, mounted_on };
        disk.mount()?;
        Ok(disk)
    }

    pub(super) fn mount(&self) -> Result<(), String> {
        let (image, on) = (self.image.to_str().unwrap(), self.mounted_on.to_str().unwrap());
        run("mount", &["-o", "loop", image, on]).map(drop)
    }

    pub(super) fn unmount(&self) -> Result<(), String> {
        run("umount", &[self.mounted_on.to_str().unwrap()]).map(drop)
    }

    /// Takes its power away.
    pub(super) fn shut_off(&self) -> Result<(), String> {
        run("python3", &["-c", SHUTDOWN, self.mounted_on.to_str().unwrap()]).map(drop)
    }

    pub(super) fn path(&self) -> &Path {
        &self.mounted_on
    }
}

impl Drop for OwnDisk {
    fn drop(&mut self) {
        // After a failed test nobody must find it mounted; when it is not, this does nothing.
        let _ = self.unmount();
    }
}

/// Says why system calls cannot be made to fail here.
pub(super) fn injects() -> Result<(), String> {
    let arguments = [
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=fdatasync:error=EIO:when=1",
        "true",
    ];
    run("strace", &arguments).map(drop)
}
