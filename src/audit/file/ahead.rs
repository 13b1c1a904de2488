//! The segment that comes next, made beside the writer so that no append waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;

use super::disk::{Disk, DiskFile, Pending};
use super::segment;
use crate::audit::store::{StoreError, failed};

/// A segment being made.
pub(super) struct Ahead {
    pending: Pending,
    made: Receiver<Result<Box<dyn DiskFile>, StoreError>>,
}

/// What came of it.
pub(super) enum Made {
    /// It is there.
    Ready(Box<dyn DiskFile>),
    /// There was no room for it or no way to begin it, which may have changed when it is needed.
    NotYet,
}

impl Ahead {
    /// Begins to make the segment with that header.
    pub(super) fn begin(
        disk: &Arc<dyn Disk>,
        wal: &Path,
        name: String,
        header: Bytes,
        size: u64,
    ) -> Result<Self, StoreError> {
        let (sender, made) = sync_channel(1);
        let work = {
            let (disk, wal) = (Arc::clone(disk), wal.to_owned());
            move || {
                // Nobody receives it once the log is closed.
                let _ = sender.send(segment::make(&*disk, &wal, &name, &header, size, &[]));
            }
        };
        let pending = disk.beside(Box::new(work)).map_err(failed("start a thread for", wal))?;
        Ok(Self { pending, made })
    }

    /// True once it is made, or cannot be.
    pub(super) fn is_done(&self) -> bool {
        self.pending.is_done()
    }

    /// Waits for it.
    ///
    /// # Errors
    /// When a write or a flush failed: then nobody knows what else the disk has lost.
    pub(super) fn finish(self) -> Result<Made, StoreError> {
        self.pending.wait();
        match self.made.try_recv() {
            Ok(Ok(file)) => Ok(Made::Ready(file)),
            Ok(Err(error)) if error.lost_nothing() => Ok(Made::NotYet),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Made::NotYet),
        }
    }
}
