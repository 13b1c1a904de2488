//! Appending: many callers, each waiting for its entry to be durable before it asks for the next.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use heyan::audit::frame::{BLOCK, Frame};
use heyan::audit::{Audit, Settings};
use heyan::query::time::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::made::{ORIGIN, Questions, new_key, segment};
use super::process::cpu;

/// Entries made beforehand: what the log costs is measured, not what making entries costs.
const PREPARED: usize = 4096;

/// Appends for so long with so many callers.
pub(crate) fn append(folder: &Path, seconds: u64, callers: usize) -> anyhow::Result<Value> {
    let key = Arc::new(new_key(folder)?);
    let settings = Settings::default();
    Audit::create(folder, &key, ORIGIN, Timestamp(1), &settings)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let audit = Audit::open(folder, key, &settings, &mut |_, _| {})?;
        let mut questions = Questions::default();
        let mut entries = Vec::new();
        while entries.len() < PREPARED {
            entries.extend(questions.next(1 + entries.len() as u64));
        }
        let (entries, turn) = (Arc::new(entries), Arc::new(AtomicU64::new(0)));
        let run = |length: Duration| {
            let (audit, entries, turn) = (audit.clone(), Arc::clone(&entries), Arc::clone(&turn));
            async move {
                let end = Instant::now() + length;
                let mut tasks = JoinSet::new();
                for _ in 0..callers {
                    let (audit, entries, turn) =
                        (audit.clone(), Arc::clone(&entries), Arc::clone(&turn));
                    tasks.spawn(async move {
                        while Instant::now() < end {
                            let next = turn.fetch_add(1, Ordering::Relaxed) as usize;
                            audit.append(entries[next % entries.len()].clone()).await?;
                        }
                        anyhow::Ok(())
                    });
                }
                while let Some(done) = tasks.join_next().await {
                    done??;
                }
                anyhow::Ok(())
            }
        };
        run(Duration::from_millis(500)).await?;
        let (before, size, began) = (cpu()?, audit.size(), Instant::now());
        run(Duration::from_secs(seconds)).await?;
        let (took, after, count) = (began.elapsed(), cpu()?, (audit.size() - size) as f64);
        audit.close().await;
        let frames = frames(folder)?;
        let batched: u32 = frames.iter().map(|(_, count)| count).sum();
        let micros =
            |after: Duration, before: Duration| (after - before).as_secs_f64() * 1e6 / count;
        Ok(json!({
            "per_second": count / took.as_secs_f64(),
            "user_micros": micros(after.0, before.0),
            "system_micros": micros(after.1, before.1),
            "batch": f64::from(batched) / frames.len() as f64,
        }))
    })
}

/// Bytes and entries of each frame.
fn frames(folder: &Path) -> anyhow::Result<Vec<(usize, u32)>> {
    let mut frames = Vec::new();
    for number in 1.. {
        let Ok(bytes) = fs::read(segment(folder, number)) else { break };
        let mut offset = BLOCK;
        while let Some(Ok(peeked)) = bytes.get(offset..).map(Frame::peek) {
            frames.push((peeked.bytes, peeked.count));
            offset += peeked.bytes;
        }
    }
    Ok(frames)
}

/// The same batches, written and flushed with nothing around them: into a file filled with zeros before, like the log's.
pub(crate) fn raw(folder: &Path) -> anyhow::Result<Value> {
    // What fills a segment or two is enough, and does not first write for minutes.
    const MOST: usize = 256 << 20;
    let mut total = 0;
    let frames: Vec<_> = frames(folder)?
        .into_iter()
        .take_while(|(bytes, _)| {
            total += bytes;
            total <= MOST
        })
        .collect();
    let path = folder.join("raw");
    let file = File::create(&path)?;
    let zeros = vec![0; 1 << 20];
    let bytes: usize = frames.iter().map(|(bytes, _)| bytes).sum();
    for offset in (0..bytes).step_by(zeros.len()) {
        file.write_all_at(&zeros, offset as u64)?;
    }
    file.sync_all()?;
    let content = vec![0xa5; frames.iter().map(|(bytes, _)| *bytes).max().unwrap_or(0)];
    let (began, mut offset) = (Instant::now(), 0);
    for (bytes, _) in &frames {
        file.write_all_at(&content[..*bytes], offset)?;
        file.sync_data()?;
        offset += *bytes as u64;
    }
    let entries: u32 = frames.iter().map(|(_, count)| count).sum();
    Ok(json!({
        "per_second": f64::from(entries) / began.elapsed().as_secs_f64(),
        "flush_micros": began.elapsed().as_secs_f64() * 1e6 / frames.len() as f64,
    }))
}
