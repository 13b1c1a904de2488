//! The witness file: taken over with each checkpoint, contradicted by an older or another log, never in the way.

use std::fs;
use std::path::PathBuf;

use super::files::copy;
use super::*;
use crate::audit::store::StoreError;

struct Fixture {
    log: Log,
    medium: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { log: Log::new(), medium: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.medium.path().join("heyan.checkpoint")
    }

    fn open(&self, folder: &Path) -> Result<Audit, AuditError> {
        let publish_every = Duration::from_millis(2);
        let settings = Settings { witness: Some(self.path()), publish_every, ..settings() };
        Audit::open(folder, Arc::clone(&self.log.key), &settings, &mut |_, _| {})
    }

    /// The error and its cause.
    fn refusal(&self, folder: &Path) -> (String, AuditError) {
        let error = self.open(folder).map(drop).unwrap_err();
        assert!(error.is_finding());
        let text = error.to_string();
        let AuditError::Witness { path, source } = error else { panic!("{text}") };
        assert_eq!(path, self.path());
        (text, *source)
    }
}

#[tokio::test]
async fn is_made_at_the_first_start_and_follows_the_log() {
    let fixture = Fixture::new();
    let audit = fixture.open(fixture.log.path()).unwrap();
    assert_eq!(fs::read_to_string(fixture.path()).unwrap(), audit.checkpoint());
    fixture.log.fill(&audit, 3).await;
    let followed = async {
        while fs::read_to_string(fixture.path()).unwrap() != audit.checkpoint() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), followed).await.unwrap();
    fixture.log.fill(&audit, 1).await;
    let last = audit.checkpoint();
    audit.close().await;
    assert_eq!(fs::read_to_string(fixture.path()).unwrap(), last);
    fixture.open(fixture.log.path()).unwrap().close().await;
}

#[tokio::test]
async fn an_older_and_another_log_are_refused() {
    let fixture = Fixture::new();
    let older = tempfile::tempdir().unwrap();
    copy(fixture.log.path(), older.path());
    let audit = fixture.open(fixture.log.path()).unwrap();
    fixture.log.fill(&audit, 3).await;
    audit.close().await;
    // The whole folder put back, its own checkpoint with it: in itself it is in good order.
    let (text, cause) = fixture.refusal(older.path());
    assert!(text.contains(&format!("`{}`", fixture.path().display())), "{text}");
    assert!(matches!(cause, AuditError::Behind { published: 4, found: 1 }));

    let audit = fixture.log.try_open(older.path()).unwrap();
    for number in 0..5 {
        audit.append(denial(100 + number)).await.unwrap();
    }
    audit.close().await;
    let before = fs::read(fixture.path()).unwrap();
    let (_, cause) = fixture.refusal(older.path());
    assert!(matches!(cause, AuditError::Forked { published: 4 }));
    assert_eq!(fs::read(fixture.path()).unwrap(), before, "what it saw stays");

    fs::write(fixture.path(), "heyan.test/log\n1\n").unwrap();
    assert!(matches!(fixture.refusal(fixture.log.path()).1, AuditError::Note(_)));
    fs::write(fixture.path(), [0xff]).unwrap();
    let unread = fixture.open(fixture.log.path()).map(drop).unwrap_err();
    assert!(matches!(unread, AuditError::Store(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn a_medium_that_is_gone_stops_nothing() {
    let fixture = Fixture::new();
    let audit = fixture.open(fixture.log.path()).unwrap();
    let (away, back) = (fixture.medium.path().with_extension("away"), fixture.medium.path());
    fs::rename(back, &away).unwrap();
    assert!(crate::audit::witness::check(&fixture.path()).is_err());
    let behind = async |audit: &Audit, expected: bool| {
        while audit.is_witness_behind() != expected {
            fixture.log.fill(audit, 1).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, behind(&audit, true)).await.unwrap();
    assert!(audit.is_healthy());
    fixture.log.fill(&audit, 2).await;

    fs::rename(&away, back).unwrap();
    crate::audit::witness::check(&fixture.path()).unwrap();
    tokio::time::timeout(patience, behind(&audit, false)).await.unwrap();
    let last = audit.checkpoint();
    audit.close().await;
    assert_eq!(fs::read_to_string(fixture.path()).unwrap(), last);
}
