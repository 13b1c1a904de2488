//! What a log's files lie on: the few things the log asks of a file system, so that tests can put one in its place
//! that fails, forgets and tears.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;

use rustix::fs::OFlags;

/// A file system.
pub(in crate::audit) trait Disk: Send + Sync {
    /// Opens a file.
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a folder, to flush the names in it. Before they are changed: an error of writing back is reported to
    /// those only who had it open.
    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes one folder in a folder that exists.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Names in a folder, in no order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name, at once; a file that had that name is gone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Does work beside the caller.
    fn beside(&self, work: Work) -> io::Result<Pending>;
}

/// An open file or folder.
pub(in crate::audit) trait DiskFile: Send + Sync {
    /// Bytes of the file.
    fn length(&self) -> io::Result<u64>;

    /// Reads from there on, perhaps fewer bytes than asked; 0 at the end.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes there, perhaps fewer bytes than given.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes what was written durable, with no more metadata than reading it back needs.
    fn flush_data(&self) -> io::Result<()>;

    /// Makes all of the file durable; of a folder, the names in it.
    fn flush(&self) -> io::Result<()>;

    /// Takes the file for this process until it is given back; false when another one has it.
    fn try_lock(&self) -> io::Result<bool>;

    /// Gives it back. Closing alone does not while a program that is just being started has the descriptor too.
    fn unlock(&self) -> io::Result<()>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Mode {
    /// Reading; it must exist.
    Read,
    /// Reading and writing, from empty.
    Create,
    /// Its lock; made when it is missing.
    Lock,
}

/// What is done beside the caller.
pub(in crate::audit) type Work = Box<dyn FnOnce() + Send>;

/// Work that was begun.
pub(in crate::audit) enum Pending {
    /// On a thread of its own.
    Running(thread::JoinHandle<()>),
    /// Not yet: a test wants it done when it is waited for.
    #[cfg(test)]
    PutOff(Work),
    /// Done on the spot.
    #[cfg(test)]
    Done,
}

impl Pending {
    /// True once it is done.
    pub(in crate::audit) fn is_done(&self) -> bool {
        match self {
            Self::Running(thread) => thread.is_finished(),
            #[cfg(test)]
            Self::PutOff(_) => false,
            #[cfg(test)]
            Self::Done => true,
        }
    }

    /// Waits for it.
    pub(in crate::audit) fn wait(self) {
        match self {
            // What it had to say it has said; when it panicked there is nothing, which its caller sees.
            Self::Running(thread) => drop(thread.join()),
            #[cfg(test)]
            Self::PutOff(work) => work(),
            #[cfg(test)]
            Self::Done => {}
        }
    }
}

impl dyn DiskFile {
    /// Writes all of it there.
    pub(in crate::audit) fn write_all_at(&self, mut bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut at = offset;
        while !bytes.is_empty() {
            match self.write_at(bytes, at) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    at += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Fills `bytes` from there.
    pub(in crate::audit) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + filled as u64) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// The machine's own file systems.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Local;

impl Disk for Local {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        let mut options = File::options();
        let options = match mode {
            // A pipe in a file's place would keep the opening waiting.
            Mode::Read => options.read(true).custom_flags(flags(OFlags::NONBLOCK)),
            // Nobody who may write to the folder, such as that of the witness file, leads the writing elsewhere.
            Mode::Create => options
                .create(true)
                .truncate(true)
                .read(true)
                .write(true)
                .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)),
            Mode::Lock => options.create(true).truncate(false).write(true),
        };
        Ok(Box::new(options.open(path)?))
    }

    fn open_folder(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        // A name that is no text is none of ours.
        let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().into_string().ok());
        fs::read_dir(folder)?.filter_map(|entry| name(entry).transpose()).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn beside(&self, work: Work) -> io::Result<Pending> {
        thread::Builder::new().name("log-segment".to_owned()).spawn(work).map(Pending::Running)
    }
}

impl DiskFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn flush_data(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn flush(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn try_lock(&self) -> io::Result<bool> {
        match File::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        File::unlock(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_given_back_while_its_descriptor_lives_on_in_another_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Local.open(&path, Mode::Lock).unwrap();
        assert!(first.try_lock().unwrap());
        assert!(!Local.open(&path, Mode::Lock).unwrap().try_lock().unwrap());
        drop(first);

        let held = File::open(&path).unwrap();
        assert!(DiskFile::try_lock(&held).unwrap());
        // What a program has between its making and its first step.
        let inherited = held.try_clone().unwrap();
        DiskFile::unlock(&held).unwrap();
        drop(held);
        assert!(Local.open(&path, Mode::Lock).unwrap().try_lock().unwrap());
        drop(inherited);
    }
}
