//! Drafts of agreements, as short as a test needs them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use heyan::agreements::document::{self, Signer};
use heyan::agreements::terms::Terms;
use heyan::catalogue::{Catalogue, Fact};
use heyan::crypto::SigningKey;
use heyan::query::time::Timestamp;

use super::Lab;

/// Item of questions for facts that no item of the catalogue uses.
pub(crate) const SPARE_ITEM: &str = "W7";

/// In RFC 3339, as agreements say it.
pub(crate) fn written(at: Timestamp) -> String {
    prost_types::Timestamp { seconds: at.seconds().try_into().unwrap(), nanos: 0 }.to_string()
}

/// A draft between the fund centre and one agency.
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) version: u32,
    pub(crate) provider: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// Keys of the quota, such as `per_day = 3`; may be empty.
    pub(crate) quota: String,
    /// Systems of the consumer that may ask.
    pub(crate) systems: Vec<String>,
    /// Further keys of the document, one a line, such as `notices = ["told"]`; may be empty.
    pub(crate) more: String,
    clauses: Vec<String>,
}

impl Draft {
    pub(crate) fn new(id: &str, provider: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: 1,
            provider: provider.to_owned(),
            from: "2018-06-01T00:00:00+08:00".to_owned(),
            to: "2099-06-01T00:00:00+08:00".to_owned(),
            quota: String::new(),
            systems: vec!["approval".to_owned()],
            more: String::new(),
            clauses: Vec::new(),
        }
    }

    /// Everything about this fact, for every item that may ask it; never kept.
    pub(crate) fn all_of(self, fact: &Fact, catalogue: &Catalogue) -> Self {
        let names: Vec<&str> = fact.attributes.iter().map(|known| known.name.as_str()).collect();
        self.clause(fact, catalogue, &names, &names, "")
    }

    /// One clause. `more` is further TOML of the clause, such as its cache terms.
    pub(crate) fn clause(
        self,
        fact: &Fact,
        catalogue: &Catalogue,
        assert: &[&str],
        disclose: &[&str],
        more: &str,
    ) -> Self {
        let uses = catalogue.items().filter(|item| item.facts.contains(&fact.code));
        let mut items: Vec<&str> = uses.map(|item| item.code.as_str()).collect();
        items.dedup();
        if items.is_empty() {
            // A fact that no item uses yet may be agreed on all the same.
            items.push(SPARE_ITEM);
        }
        let roles: Vec<&str> = fact.roles.iter().map(|role| role.name.as_str()).collect();
        let grants = format!("assert = {assert:?}\ndisclose = {disclose:?}\n{more}");
        self.narrow(fact.code.as_str(), &items, &roles, &grants)
    }

    /// One clause for these items and roles alone; `grants` is the rest of it in TOML.
    pub(crate) fn narrow(
        mut self,
        fact: &str,
        items: &[&str],
        roles: &[&str],
        grants: &str,
    ) -> Self {
        self.clauses.push(format!(
            "[[clause]]\nfact = \"{fact}\"\nitems = {items:?}\nroles = {roles:?}\nmax_age = \"30d\"\n{grants}\n",
        ));
        self
    }

    pub(crate) fn text(&self) -> String {
        let Self { id, version, provider, from, to, quota, systems, more, clauses } = self;
        format!(
            "schema = 1\nid = \"{id}\"\nversion = {version}\ntitle = \"A trial\"\ntitle_zh = \"试用协议\"\n\
             consumer = \"fund-centre\"\nprovider = \"{provider}\"\nsystems = {systems:?}\n{more}\n\
             effective_from = \"{from}\"\neffective_to = \"{to}\"\n\
             retention = {{ keep_for = \"365d\", afterwards = \"delete\" }}\nquota = {{ {quota} }}\n\
             [[legal_basis]]\nparty = \"fund-centre\"\ninstrument = \"住房公积金管理条例\"\narticle = \"24\"\n\
             [[legal_basis]]\nparty = \"{provider}\"\ninstrument = \"政务数据共享条例\"\narticle = \"20\"\n\n{}",
            clauses.join("\n")
        )
    }

    /// The document with the signatures of these parties.
    pub(crate) fn signed_by(&self, lab: &Lab, parties: &[&str]) -> Vec<u8> {
        let terms = Terms::parse(std::path::Path::new("draft.toml"), &self.text()).unwrap();
        let keys: Vec<(String, SigningKey)> = parties
            .iter()
            .map(|party| {
                let key = SigningKey::read(&lab.path(format!("pki/{party}/signing.key"))).unwrap();
                (format!("{party}-1"), key)
            })
            .collect();
        let signers: Vec<Signer<'_>> = keys.iter().map(|(kid, key)| Signer { kid, key }).collect();
        document::sign(&terms.payload().unwrap(), &signers).unwrap()
    }

    /// Puts it, signed by both, among the installation's agreements.
    pub(crate) fn place(&self, lab: &Lab) {
        let document = self.signed_by(lab, &["fund-centre", &self.provider]);
        std::fs::write(lab.path(format!("agreements/{}.json", self.id)), document).unwrap();
    }

    /// The same beside other versions of it.
    pub(crate) fn place_beside(&self, lab: &Lab) {
        let document = self.signed_by(lab, &["fund-centre", &self.provider]);
        let file = format!("agreements/{}-v{}.json", self.id, self.version);
        std::fs::write(lab.path(file), document).unwrap();
    }
}

/// Everything the catalogue has of each agency, granted without keeping; placed among the agreements.
pub(crate) fn grant_everything(lab: &Lab) {
    for agency in super::ALL {
        let facts = lab.catalogue.facts().filter(|fact| fact.agency.as_str() == agency);
        let draft = Draft::new(&format!("all-of-{agency}"), agency);
        facts.fold(draft, |draft, fact| draft.all_of(fact, &lab.catalogue)).place(lab);
    }
}

/// The document with its payload changed and its signatures as they were.
pub(crate) fn tampered(document: &[u8]) -> Vec<u8> {
    let mut json: serde_json::Value = serde_json::from_slice(document).unwrap();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(json["payload"].as_str().unwrap()).unwrap();
    let changed = String::from_utf8(payload).unwrap().replace("2099-", "2199-");
    json["payload"] = BASE64_URL_SAFE_NO_PAD.encode(changed).into();
    serde_json::to_vec(&json).unwrap()
}
