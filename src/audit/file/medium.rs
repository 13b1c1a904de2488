//! What kind of file system a log lies on, as far as its promises depend on that.

use std::path::Path;

/// Numbers of file systems (statfs(2)), their names, and what is wrong with a log on them.
const DOUBTFUL: [(u64, &str, &str); 9] = [
    (0x6969, "nfs", NETWORK),
    (0xff53_4d42, "cifs", NETWORK),
    (0xfe53_4d42, "smb2", NETWORK),
    (0x0102_1997, "9p", NETWORK),
    (0x00c3_6400, "ceph", NETWORK),
    (0x0102_1994, "tmpfs", MEMORY),
    (0x8584_58f6, "ramfs", MEMORY),
    (0x794c_7630, "overlayfs", "a container's own layer: it goes with the container"),
    (0x6573_5546, "fuse", "a program of its own decides what a flush means"),
];
const NETWORK: &str = "a flush is another machine's word, and its lock may not hold";
const MEMORY: &str = "it is memory: everything is gone with the power";

/// Why a file system may not keep the log's promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Doubt {
    /// The file system's name.
    pub(in crate::audit) file_system: &'static str,
    /// What is wrong with it.
    pub(in crate::audit) reason: &'static str,
}

/// What stands against a log in that folder; `None` when nothing is known to, or the system does not say.
pub(in crate::audit) fn doubt(folder: &Path) -> Option<Doubt> {
    let number = rustix::fs::statfs(folder).ok()?.f_type;
    // The kernel's numbers have 32 bits; the field's width and sign differ between machines.
    let number = number as u64 & 0xffff_ffff;
    let (_, file_system, reason) = DOUBTFUL.into_iter().find(|(known, ..)| *known == number)?;
    Some(Doubt { file_system, reason })
}

/// Says so, loudly, in the log lines.
pub(in crate::audit) fn warn_of(folder: &Path) {
    if let Some(Doubt { file_system, reason }) = doubt(folder) {
        let folder = folder.display();
        tracing::warn!(
            %folder,
            file_system,
            reason,
            "answers rest on flushes that this file system may not keep: put the log on a local disk"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_no_place_for_a_log() {
        // Every Linux has one there, and in no other.
        assert_eq!(doubt(Path::new("/dev/shm")).unwrap().file_system, "tmpfs");
        assert_eq!(doubt(Path::new("/proc")), None);
        assert_eq!(doubt(Path::new("/no/such/folder")), None);
    }
}
