//! `[dispute]`: where the agency takes disputes about its data.

use super::files::Files;
use super::section::{Section, Source};
use crate::adapters::queue::{Queue, would_be_within};

/// Reads the section. The outer `None` is a flaw; the inner one is no queue.
#[expect(clippy::option_option, reason = "a flaw and an absence are different things")]
pub(super) fn dispute(
    source: &Source<'_>,
    document: &Section<'_>,
    files: &Files<'_>,
) -> Option<Option<Queue>> {
    let Some(section) = document.section("dispute") else { return Some(None) };
    let folder = section.required("folder").and_then(|text| {
        files.refer(&text);
        let folder = files.path(&text.value);
        let within = files.queues();
        if let Some(within) =
            within.filter(|within| files.read && !would_be_within(&folder, within))
        {
            let roots: Vec<String> = within.iter().map(|root| root.display().to_string()).collect();
            let problem = format!(
                "{}: `{}` lies in none of the folders that manifests may have disputes put into \
                 (`manifests.queues` of the gateway's settings: {})",
                text.key,
                folder.display(),
                roots.join(", ")
            );
            source.flaw(text.at, problem);
            return None;
        }
        Some(Queue::new(folder, within.map(<[_]>::to_vec)))
    });
    section.finish();
    folder.map(Some)
}
