//! Terms as a page for people.

use super::form::{ClauseTerms, Disposal, Terms};

impl Terms {
    /// A page for people.
    pub fn page(&self) -> String {
        let mut page = vec![
            format!("{} version {}: {}（{}）", self.id, self.version, self.title, self.title_zh),
            format!("  {} may ask {}", self.consumer, self.provider),
            format!("  systems     {}", join(&self.systems)),
            format!(
                "  in force    {} to {}, China time",
                in_china(self.effective_from),
                in_china(self.effective_to)
            ),
        ];
        if let Some(hours) = &self.hours {
            let days: Vec<String> = hours.days.iter().map(|day| format!("{day:?}")).collect();
            page.push(format!(
                "  served      {} {}–{}, China time",
                days.join(" "),
                hours.from,
                hours.to
            ));
        }
        let limit =
            |limit: Option<u64>| limit.map_or("no limit".to_owned(), |limit| limit.to_string());
        page.push(format!(
            "  quota       {} a second, {} a day",
            limit(self.quota.per_second),
            limit(self.quota.per_day)
        ));
        let then = match self.retention.afterwards {
            Disposal::Delete => "deleted",
            Disposal::Anonymise => "made anonymous",
        };
        page.push(format!("  answers     kept for {}, then {then}", self.retention.keep_for));
        for basis in &self.legal_basis {
            page.push(format!(
                "  legal basis {}: {}, {}",
                basis.party, basis.instrument, basis.article
            ));
        }
        for (position, clause) in self.clauses.iter().enumerate() {
            page.extend(clause.page(position + 1));
        }
        page.push(String::new());
        page.join("\n")
    }
}

impl ClauseTerms {
    fn page(&self, number: usize) -> Vec<String> {
        let mut page = vec![
            format!("  clause {number}: {}", self.fact),
            format!("    for       {}", join(&self.items)),
            format!("    about     {}", self.roles.join(" ")),
        ];
        for (word, names) in
            [("assert", &self.assert), ("disclose", &self.disclose), ("replaces", &self.replaces)]
        {
            if !names.is_empty() {
                page.push(format!("    {word:<9} {}", names.join(" ")));
            }
        }
        page.push(format!("    age       at most {}", self.max_age));
        page.push(match &self.cache {
            None => "    kept      never".to_owned(),
            Some(cache) => format!(
                "    kept      {} when found, {} when not, {} longer when the agency is away",
                cache.found,
                cache.not_found,
                cache.stale.as_deref().unwrap_or("nothing")
            ),
        });
        page
    }
}

fn join<T: ToString>(names: &[T]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn in_china(at: jiff::Timestamp) -> jiff::civil::DateTime {
    at.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).datetime()
}
