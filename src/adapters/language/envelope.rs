//! The reply of a SOAP service: what is below `Body`, and what a Fault of either version says.
//!
//! Both are known by the namespace of SOAP, never by a prefix or a local name alone.

use roxmltree::Node;
use serde_json::{Map, Value as Json};

use super::xml::{self, Shape};

/// Versions of SOAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `text/xml` and a `SOAPAction` header.
    V1_1,
    /// `application/soap+xml` with the action in it.
    V1_2,
}

impl Version {
    /// As manifests write it.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// The namespace of its envelopes.
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::V1_1 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V1_2 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }
}

/// An envelope, opened.
#[derive(Debug, PartialEq)]
pub(crate) struct Opened {
    /// That of the envelope's own namespace.
    pub(crate) version: Version,
    /// What is below `Body`.
    pub(crate) body: Json,
    /// The Fault, with `code`, `reason` and `detail` whatever its version calls them; null when there is none.
    pub(crate) fault: Json,
}

/// `None` when the text is no envelope of SOAP.
pub(crate) fn open(text: &str, shape: &Shape) -> Option<Opened> {
    let document = xml::parse(text).ok()?;
    let root = document.root_element();
    let version = [Version::V1_1, Version::V1_2]
        .into_iter()
        .find(|version| root.has_tag_name((version.namespace(), "Envelope")))?;
    let soap = version.namespace();
    let body = child(root, Some(soap), "Body")?;
    let fault = match child(body, Some(soap), "Fault") {
        Some(node) => fault(node, version, shape)?,
        None => Json::Null,
    };
    Some(Opened { version, body: xml::element(body, shape).ok()?, fault })
}

/// What the agency wrote, and the three things both versions say under one name each.
fn fault(node: Node<'_, '_>, version: Version, shape: &Shape) -> Option<Json> {
    let mut map = match xml::element(node, shape).ok()? {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    let soap = Some(version.namespace());
    let (code, reason, detail) = match version {
        // The children of a Fault of 1.1 are in no namespace; some agencies put them into that of SOAP.
        Version::V1_1 => {
            let of = |name| child(node, None, name).or_else(|| child(node, soap, name));
            (of("faultcode"), of("faultstring"), of("detail"))
        }
        Version::V1_2 => (
            child(node, soap, "Code").and_then(|code| child(code, soap, "Value")),
            child(node, soap, "Reason").and_then(|reason| child(reason, soap, "Text")),
            child(node, soap, "Detail"),
        ),
    };
    // A code is a qualified name, and its prefix is the agency's own.
    let code = text_of(code).map(|code| code.rsplit(':').next().unwrap_or(code));
    map.insert("code".to_owned(), Json::from(code));
    map.insert("reason".to_owned(), Json::from(text_of(reason)));
    let detail = detail.and_then(|detail| xml::element(detail, shape).ok());
    map.insert("detail".to_owned(), detail.unwrap_or(Json::Null));
    Some(Json::Object(map))
}

fn text_of<'a>(node: Option<Node<'a, '_>>) -> Option<&'a str> {
    node.and_then(|node| node.text()).map(str::trim)
}

fn child<'a, 'd>(node: Node<'a, 'd>, namespace: Option<&str>, name: &str) -> Option<Node<'a, 'd>> {
    node.children().find(|child| {
        child.is_element()
            && child.tag_name().name() == name
            && child.tag_name().namespace() == namespace
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn envelope(version: Version, body: &str) -> Option<Opened> {
        let soap = version.namespace();
        let text = format!(
            r#"<e:Envelope xmlns:e="{soap}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>"#
        );
        open(&text, &Shape::default())
    }

    #[test]
    fn faults_of_both_versions_say_the_same() {
        let old = "<e:Fault><faultcode>e:Server</faultcode><faultstring> busy </faultstring>\
                   <detail><no>7</no></detail></e:Fault>";
        let new = "<e:Fault><e:Code><e:Value>e:Receiver</e:Value></e:Code><e:Reason>\
                   <e:Text xml:lang='zh'>busy</e:Text></e:Reason><e:Detail><no>7</no></e:Detail></e:Fault>";
        for (version, body, code) in
            [(Version::V1_1, old, "Server"), (Version::V1_2, new, "Receiver")]
        {
            let fault = envelope(version, body).unwrap().fault;
            let found = ["code", "reason", "detail"].map(|name| fault[name].clone());
            assert_eq!(found, [json!(code), json!("busy"), json!({ "no": "7" })]);
        }
        assert_eq!(envelope(Version::V1_1, old).unwrap().fault["faultstring"], " busy ");
        let bare = envelope(Version::V1_2, "<e:Fault/>").unwrap().fault;
        assert_eq!(bare, json!({ "code": null, "reason": null, "detail": null }));
    }

    #[test]
    fn only_the_namespace_of_soap_makes_an_envelope_or_a_fault() {
        let answer = envelope(Version::V1_2, "<r xmlns='urn:x'><Fault>mine</Fault></r>").unwrap();
        assert_eq!((answer.version, answer.fault), (Version::V1_2, Json::Null));
        assert_eq!(answer.body, json!({ "r": { "Fault": "mine" } }));
        let own = envelope(Version::V1_1, "<Fault xmlns='urn:x'>a name like any other</Fault>");
        assert_eq!(own.unwrap().fault, Json::Null);
        for text in [
            "<Envelope><Body/></Envelope>",
            "<Envelope xmlns='urn:x'><Body/></Envelope>",
            "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body xmlns=''/></Envelope>",
            "{}",
        ] {
            assert_eq!(open(text, &Shape::default()), None, "{text}");
        }
    }
}
