//! The tables of TOML that a schema describes, each with its keys, in the order they are explained in.

use serde_json::Value as Json;

use super::node::{Node, Schema};

/// Ways to reach an agency. What a manifest holds depends on which it has: `over_NAME` of its schema says how.
const KINDS: [&str; 5] = ["http", "soap", "sql", "file", "grpc"];

/// One table.
pub(super) struct Table {
    /// As TOML heads it, such as `[http]` or `[[operation]]`, with `NAME` for any; empty at the top of the file.
    pub(super) heading: String,
    /// What it is.
    pub(super) meaning: String,
    /// What can stand in it.
    pub(super) keys: Vec<Key>,
}

/// One key.
pub(super) struct Key {
    pub(super) name: String,
    /// What it takes.
    pub(super) takes: String,
    /// What holds when it is left out, as TOML writes it.
    pub(super) usual: Option<String>,
    /// It cannot be left out.
    pub(super) is_required: bool,
    /// The ways to reach an agency that it goes with.
    pub(super) with: Vec<&'static str>,
    /// Those that its table goes with and it does not.
    pub(super) without: Vec<&'static str>,
    /// What it means.
    pub(super) meaning: String,
    /// The heading of an earlier table that has the very same key.
    pub(super) same_in: Option<String>,
    /// The heading of the table that it holds, or whose like it holds, where that is told of next.
    pub(super) leads_to: Option<String>,
}

/// A schema being read.
pub(super) struct Reader<'s> {
    root: &'s Node,
    /// Definitions explained so far, and in which table.
    explained: Vec<(&'s str, String)>,
    tables: Vec<Table>,
}

impl<'s> Reader<'s> {
    /// Every table of the schema.
    pub(super) fn tables(root: &'s Node) -> Vec<Table> {
        let mut reader = Self { root, explained: Vec::new(), tables: Vec::new() };
        reader.table(root, &[], String::new());
        reader.tables
    }

    fn table(&mut self, node: &'s Node, path: &[String], heading: String) {
        let mut keys = Vec::new();
        let mut inner = Vec::new();
        for (name, schema) in &node.properties.0 {
            let Some(given) = schema.rules() else { continue };
            let shared = given.definition();
            let known = shared.and_then(|shared| {
                self.explained.iter().find(|(known, _)| *known == shared).map(|(_, at)| at.clone())
            });
            let mut below = None;
            if known.is_none() {
                self.explained.extend(shared.map(|shared| (shared, heading.clone())));
                let path: Vec<String> = path.iter().cloned().chain([name.clone()]).collect();
                below = inside(self.root, given, path);
            }
            keys.push(Key {
                same_in: known,
                leads_to: below.as_ref().map(|(_, _, heading)| heading.clone()),
                ..self.key(node, path, name, given)
            });
            inner.extend(below);
        }
        let meaning = meaning(self.root, node);
        self.tables.push(Table { heading, meaning, keys });
        for (node, path, heading) in inner {
            self.table(node, &path, heading);
        }
    }

    fn key(&self, table: &Node, path: &[String], name: &str, given: &Node) -> Key {
        let rules = KINDS.map(|kind| (kind, rule_of(self.root, kind, path)));
        let of_table = rules.iter().filter(|(_, rule)| !matches!(rule, Rule::Never));
        let (of_key, others): (Vec<_>, Vec<_>) = of_table.partition(|(_, rule)| match rule {
            Rule::Node(node) => !matches!(node.properties.get(name), Some(Schema::Bool(false))),
            Rule::None | Rule::Never => true,
        });
        let has = |node: &Node| node.required.iter().any(|required| required == name);
        let is_asked = !of_key.is_empty()
            && of_key.iter().all(|(_, rule)| matches!(rule, Rule::Node(node) if has(node)));
        Key {
            name: name.to_owned(),
            takes: takes(self.root, given),
            usual: resolved(self.root, given).usual.as_ref().map(Json::to_string),
            is_required: is_asked || has(table),
            with: of_key.iter().map(|(kind, _)| *kind).collect(),
            without: others.iter().map(|(kind, _)| *kind).collect(),
            meaning: meaning(self.root, given),
            same_in: None,
            leads_to: None,
        }
    }
}

/// What a way to reach an agency adds to a table.
enum Rule<'s> {
    /// Nothing.
    None,
    /// The table has no place there.
    Never,
    /// This.
    Node(&'s Node),
}

fn rule_of<'s>(root: &'s Node, kind: &str, path: &[String]) -> Rule<'s> {
    let rule = root.definitions.get(&format!("over_{kind}")).and_then(Schema::rules);
    let Some(mut node) = rule else { return Rule::None };
    for key in path {
        match node.properties.get(key) {
            None => return Rule::None,
            Some(Schema::Bool(_)) => return Rule::Never,
            Some(Schema::Rules(inner)) => {
                node = inner.items.as_ref().and_then(Schema::rules).unwrap_or(inner);
            }
        }
    }
    Rule::Node(node)
}

/// The table that a key holds, or that its entries are, with the path that leads there and its heading.
fn inside<'s>(
    root: &'s Node,
    given: &'s Node,
    mut path: Vec<String>,
) -> Option<(&'s Node, Vec<String>, String)> {
    let node = resolved(root, given);
    let (table, is_list) = if node.is_table() {
        (node, false)
    } else if let Some(items) = node.items.as_ref().and_then(Schema::rules) {
        (resolved(root, items), true)
    } else {
        path.push("NAME".to_owned());
        (resolved(root, node.additional_properties.as_ref().and_then(Schema::rules)?), false)
    };
    let dotted = path.join(".");
    let heading = if is_list { format!("[[{dotted}]]") } else { format!("[{dotted}]") };
    table.is_table().then_some((table, path, heading))
}

/// The node itself, or the definition that it stands for.
pub(super) fn resolved<'s>(root: &'s Node, node: &'s Node) -> &'s Node {
    let found = node.definition().and_then(|name| root.definitions.get(name));
    match found.and_then(Schema::rules) {
        Some(found) => resolved(root, found),
        None => node,
    }
}

fn meaning(root: &Node, node: &Node) -> String {
    resolved(root, node).description.clone().unwrap_or_default()
}

/// What a key takes, in words.
fn takes(root: &Node, node: &Node) -> String {
    let node = resolved(root, node);
    if let Some(title) = node.title.as_ref().filter(|_| !node.is_table()) {
        return title.clone();
    }
    if let Some(kind) = node.all_of.iter().filter_map(Schema::rules).find(|one| {
        // Further patterns of the same text have no name.
        one.definition().is_some()
    }) {
        return takes(root, kind);
    }
    if !node.values.is_empty() {
        let values: Vec<String> = node.values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    let of = |schema: &Option<Schema>| {
        let rules = schema.as_ref().and_then(Schema::rules);
        rules.map_or_else(|| "any value".to_owned(), |rules| takes(root, rules))
    };
    match node.kind.as_ref().and_then(Json::as_str) {
        Some("integer") => bounded(node, "integer"),
        Some("number") => bounded(node, "number"),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => format!("list: {}", of(&node.items)),
        Some("object") if node.is_table() => "table".to_owned(),
        Some("object") => format!("table: NAME = {}", of(&node.additional_properties)),
        _ => "text".to_owned(),
    }
}

fn bounded(node: &Node, kind: &str) -> String {
    match (&node.minimum, &node.exclusive_minimum, &node.maximum) {
        (Some(least), _, Some(most)) => format!("{kind}, {least} to {most}"),
        (None, Some(least), Some(most)) => format!("{kind}, above {least}, at most {most}"),
        _ => kind.to_owned(),
    }
}
