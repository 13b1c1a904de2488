//! One request being signed: what the string to sign can see, the signature, and what of it must never be shown.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::render::{self, Pairs};
use crate::adapters::failed::Failed;
use crate::adapters::language::expression::{Held, Scope};
use crate::adapters::language::template;
use crate::adapters::manifest::{Placed, Sign, SignValue};

/// When an entry is put into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Before signing: it is signed too.
    Before,
    /// After signing: it holds the signature.
    After,
}

/// A request being signed.
pub(super) struct Signing<'a> {
    sign: &'a Sign,
    scope: Scope,
    values: Map<String, Json>,
    secrets: Vec<String>,
}

impl<'a> Signing<'a> {
    /// Works out the values that do not look at the request.
    ///
    /// # Errors
    /// An expression without a value.
    pub(super) fn begin(sign: &'a Sign, scope: &Arc<Scope>) -> Result<Self, Failed> {
        let scope = Scope::inside(scope);
        let mut signing = Self { sign, scope, values: Map::new(), secrets: Vec::new() };
        signing.work_out(true)?;
        Ok(signing)
    }

    /// Lets all that follows see a part of the request, which is made only where an expression of `[sign]` looks at it.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub(super) fn see<T: Into<Held>>(
        &mut self,
        part: &'static str,
        make: impl FnOnce() -> Result<T, Failed>,
    ) -> Result<(), Failed> {
        if self.sign.seen.contains(&part) {
            self.scope.set(part, make()?);
        }
        Ok(())
    }

    /// The same, whoever looks at it.
    pub(super) fn show(&mut self, part: &'static str, value: impl Into<Held>) {
        self.scope.set(part, value);
    }

    /// Works out the values that look at the request.
    ///
    /// # Errors
    /// An expression without a value.
    pub(super) fn look(&mut self) -> Result<(), Failed> {
        self.work_out(false)
    }

    /// Makes the signature; from here on it can be seen.
    ///
    /// # Errors
    /// A string or a key without a value.
    pub(super) fn sign(&mut self) -> Result<(), Failed> {
        let sign = self.sign;
        let string = sign
            .string
            .bytes(&self.scope)
            .map_err(|fault| Failed::expression("sign.string", &sign.string, fault))?;
        let key = match &sign.key {
            Some(key) => key
                .bytes(&self.scope)
                .map_err(|fault| Failed::expression("sign.key", key, fault))?,
            None => Vec::new(),
        };
        let signature = sign.encoding.write(&sign.algorithm.sign(&key, &string));
        self.keep_secret(&signature);
        self.scope.set("signature", Json::String(signature));
        Ok(())
    }

    /// Names and texts of those entries that are put in now; null leaves one out.
    ///
    /// # Errors
    /// An expression without a value, or with one that is no text.
    pub(super) fn texts(
        &mut self,
        key: &str,
        entries: &[Placed],
        when: When,
    ) -> Result<Pairs, Failed> {
        let mut pairs = Vec::new();
        for entry in entries.iter().filter(|entry| is_due(entry, when)) {
            let key = || format!("sign.{key}.{}", entry.name);
            let Some(text) = render::text(&key, &entry.tree, &self.scope)? else { continue };
            if entry.is_secret {
                self.keep_secret(&text);
            }
            pairs.push((entry.name.clone(), text));
        }
        Ok(pairs)
    }

    /// Puts those entries into the document that are put in now.
    ///
    /// # Errors
    /// An expression without a value.
    pub(super) fn members(
        &mut self,
        into: &mut Map<String, Json>,
        when: When,
    ) -> Result<(), Failed> {
        for entry in self.sign.json.iter().filter(|entry| is_due(entry, when)) {
            let key = || format!("sign.json.{}", entry.name);
            let value = render::value(&key, &entry.tree, &self.scope)?;
            if entry.is_secret {
                self.keep_value(&value);
            }
            into.insert(entry.name.clone(), value);
        }
        Ok(())
    }

    /// What templates see that hold the signature.
    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Everything made from a secret.
    pub(super) fn into_secrets(self) -> Vec<String> {
        self.secrets
    }

    fn work_out(&mut self, early: bool) -> Result<(), Failed> {
        let sign = self.sign;
        let due: &[SignValue] = if early { &sign.early } else { &sign.late };
        for SignValue { name, expression, is_secret, sees_values } in due {
            if *sees_values {
                self.scope.set("values", Json::Object(self.values.clone()));
            }
            let value = expression.evaluate(&self.scope).map_err(|fault| {
                Failed::expression(&format!("sign.values.{name}"), expression, fault)
            })?;
            if *is_secret {
                self.keep_value(&value);
            }
            self.values.insert(name.clone(), value);
        }
        if early || !due.is_empty() {
            self.scope.set("values", Json::Object(self.values.clone()));
        }
        Ok(())
    }

    fn keep_value(&mut self, value: &Json) {
        match value {
            Json::String(text) => self.keep_secret(text),
            Json::Array(items) => items.iter().for_each(|item| self.keep_value(item)),
            Json::Object(map) => map.values().for_each(|item| self.keep_value(item)),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    fn keep_secret(&mut self, text: &str) {
        if !text.is_empty() && !self.secrets.iter().any(|known| known == text) {
            self.secrets.push(text.to_owned());
        }
    }
}

/// Texts that must never be shown, in each way that a request can write them.
pub(crate) fn however_written(secrets: &[String]) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    for text in secrets {
        let (mut in_form, mut in_xml) = (String::new(), String::new());
        render::percent_encode(text.as_bytes(), &mut in_form);
        let in_xml = template::escape(text, &mut in_xml).map(|()| in_xml).unwrap_or_default();
        let in_json = Json::from(text.as_str()).to_string();
        let in_json = in_json.get(1..in_json.len() - 1).unwrap_or_default().to_owned();
        for form in [text.clone(), in_form, in_xml, in_json] {
            if !form.is_empty() && !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

fn is_due(entry: &Placed, when: When) -> bool {
    entry.holds_signature == (when == When::After)
}
