//! OpenAPI 3.0 and 3.1, as JSON or YAML.

use serde_json::Value as Json;

use super::schema::{self, resolved};
use super::{Described, Field, Place, Service, Unread, parted};

/// Names of operations below a path.
const METHODS: [&str; 8] = ["get", "post", "put", "delete", "patch", "head", "options", "trace"];

/// Reads a description.
///
/// # Errors
/// Why it cannot be used.
pub fn read(text: &str) -> Result<Described, Unread> {
    let document: Json = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(_) => serde_saphyr::from_str(text).map_err(|error| {
            let first = error.to_string().lines().next().unwrap_or_default().to_owned();
            Unread::Form("OpenAPI document", first)
        })?,
    };
    let version = |key| {
        document
            .get(key)
            .map(|version| version.as_str().map_or_else(|| version.to_string(), str::to_owned))
    };
    match (version("openapi"), version("swagger")) {
        (Some(version), _) if version.starts_with("3.0") || version.starts_with("3.1") => {}
        (Some(version), _) => return Err(Unread::Version(format!("OpenAPI {version}"))),
        (None, Some(version)) => return Err(Unread::Version(format!("Swagger {version}"))),
        (None, None) => {
            return Err(Unread::Form(
                "OpenAPI document",
                "the key `openapi` is missing".to_owned(),
            ));
        }
    }
    let mut services = Vec::new();
    for (path, item) in document.get("paths").and_then(Json::as_object).into_iter().flatten() {
        let item = resolved(&document, item)?;
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                services.push(service(&document, path, item, method, operation)?);
            }
        }
    }
    if services.is_empty() { Err(Unread::Empty) } else { Ok(Described { services }) }
}

fn service(
    document: &Json,
    path: &str,
    item: &Json,
    method: &str,
    operation: &Json,
) -> Result<Service, Unread> {
    let server = [operation, item, document]
        .into_iter()
        .find_map(|holder| holder.get("servers")?.as_array()?.first()?.get("url")?.as_str());
    let (base, prefix) = parted(server.unwrap_or(""));
    let method = method.to_uppercase();
    let named = operation.get("operationId").and_then(Json::as_str);
    let mut fields = Vec::new();
    parameters(document, &[item, operation], &mut fields)?;
    if let Some(body) = operation.get("requestBody") {
        content(document, resolved(document, body)?, Place::Body, &mut fields)?;
    }
    if let Some(reply) = good_reply(operation) {
        content(document, resolved(document, reply)?, Place::Reply, &mut fields)?;
    }
    Ok(Service {
        name: named.map_or_else(|| format!("{method} {path}"), str::to_owned),
        base,
        path: format!("{}{path}", prefix.trim_end_matches('/')),
        method,
        fields,
        ..Service::default()
    })
}

fn parameters(document: &Json, holders: &[&Json], into: &mut Vec<Field>) -> Result<(), Unread> {
    let lists = holders.iter().filter_map(|holder| holder.get("parameters")?.as_array());
    for parameter in lists.flatten() {
        let parameter = resolved(document, parameter)?;
        let text = |key| parameter.get(key).and_then(Json::as_str);
        let place = match text("in") {
            Some("path") => Place::Path,
            Some("header") => Place::Header,
            Some("query") => Place::Query,
            // Cookies are no part of a question between agencies.
            _ => continue,
        };
        let nothing = Json::Null;
        let kind = resolved(document, parameter.get("schema").unwrap_or(&nothing))?;
        let is_required = parameter.get("required") == Some(&Json::Bool(true));
        let about = text("description").map(|about| format!(": {about}")).unwrap_or_default();
        let remark = schema::remark(kind, is_required) + &about;
        into.push(Field { place, name: text("name").unwrap_or_default().to_owned(), remark });
    }
    Ok(())
}

/// The reply to a question that went well.
fn good_reply(operation: &Json) -> Option<&Json> {
    let replies = operation.get("responses")?;
    ["200", "2XX", "default"].into_iter().find_map(|status| replies.get(status))
}

fn content(
    document: &Json,
    holder: &Json,
    place: Place,
    into: &mut Vec<Field>,
) -> Result<(), Unread> {
    let Some(kinds) = holder.get("content").and_then(Json::as_object) else { return Ok(()) };
    let wanted = |kind: &str| kind.contains("json") || kind.contains("x-www-form-urlencoded");
    let media = kinds.iter().find(|(kind, _)| wanted(kind)).map(|(_, media)| media);
    match media.and_then(|media| media.get("schema")) {
        Some(schema) => schema::fields(document, schema, place, into),
        None => Ok(()),
    }
}
