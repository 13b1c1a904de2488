//! WSDL 1.1 in document style, over SOAP 1.1 or 1.2.

use roxmltree::{Document, Node};

use super::{DEPTH_MOST, Described, FIELDS_MOST, Field, Place, Service, Unread, parted};

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const WSDL_2: &str = "http://www.w3.org/ns/wsdl";
const SOAP_1_1: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SOAP_1_2: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

/// Reads a description.
///
/// # Errors
/// Why it cannot be used.
pub fn read(text: &str) -> Result<Described, Unread> {
    let document =
        Document::parse(text).map_err(|error| Unread::Form("WSDL document", error.to_string()))?;
    let root = document.root_element();
    match (root.tag_name().namespace(), root.tag_name().name()) {
        (Some(WSDL), "definitions") => {}
        (Some(WSDL_2), _) => return Err(Unread::Version("WSDL 2.0".to_owned())),
        (_, name) => {
            let problem = format!("its root is `{name}`, not `definitions`");
            return Err(Unread::Form("WSDL document", problem));
        }
    }
    refuse_imports(root)?;
    let file = File { root };
    let mut services: Vec<Service> = Vec::new();
    for service in children(root, WSDL, "service") {
        for port in children(service, WSDL, "port") {
            for found in file.port(port)? {
                // A service is often offered over both versions of SOAP; the first will do.
                if services.iter().all(|known| known.name != found.name) {
                    services.push(found);
                }
            }
        }
    }
    if services.is_empty() { Err(Unread::Empty) } else { Ok(Described { services }) }
}

fn refuse_imports(root: Node<'_, '_>) -> Result<(), Unread> {
    let elsewhere = root.descendants().find_map(|node| {
        let location = match (node.tag_name().namespace(), node.tag_name().name()) {
            (Some(WSDL), "import") => node.attribute("location"),
            (Some(SCHEMA), "import" | "include" | "redefine") => node.attribute("schemaLocation"),
            _ => None,
        };
        location.map(str::to_owned)
    });
    elsewhere.map_or(Ok(()), |location| Err(Unread::Elsewhere(location)))
}

fn children<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name((namespace, name)))
}

/// The part after the colon.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// One file; everything in it goes by local names.
struct File<'a, 'i> {
    root: Node<'a, 'i>,
}

impl<'a, 'i: 'a> File<'a, 'i> {
    fn named(&self, kind: &'static str, name: &str) -> Result<Node<'a, 'i>, Unread> {
        children(self.root, WSDL, kind)
            .find(|node| node.attribute("name") == Some(local(name)))
            .ok_or_else(|| Unread::Missing(name.to_owned()))
    }

    /// The operations that a port offers; none of a port that speaks no SOAP.
    fn port(&self, port: Node<'a, 'i>) -> Result<Vec<Service>, Unread> {
        let binding = self.named("binding", port.attribute("binding").unwrap_or_default())?;
        let soap = binding.children().find(|node| {
            node.tag_name().name() == "binding"
                && matches!(node.tag_name().namespace(), Some(SOAP_1_1 | SOAP_1_2))
        });
        let Some(soap) = soap else { return Ok(Vec::new()) };
        let is_soap_1_2 = soap.tag_name().namespace() == Some(SOAP_1_2);
        let location = port
            .children()
            .find(|node| node.tag_name().name() == "address")
            .and_then(|address| address.attribute("location"))
            .unwrap_or_default();
        let (base, path) = parted(location);
        let kind = self.named("portType", binding.attribute("type").unwrap_or_default())?;
        let mut services = Vec::new();
        for bound in children(binding, WSDL, "operation") {
            let name = bound.attribute("name").unwrap_or_default();
            let own = bound.children().find(|node| {
                node.tag_name().name() == "operation" && node.tag_name().namespace() != Some(WSDL)
            });
            let style = own.and_then(|own| own.attribute("style")).or(soap.attribute("style"));
            if style == Some("rpc") {
                return Err(Unread::Rpc(name.to_owned()));
            }
            let mut service = Service {
                name: name.to_owned(),
                base: base.clone(),
                method: "POST".to_owned(),
                path: if path.is_empty() { "/".to_owned() } else { path.clone() },
                action: own.and_then(|own| own.attribute("soapAction")).unwrap_or("").to_owned(),
                is_soap_1_2,
                ..Service::default()
            };
            self.messages(kind, &mut service)?;
            services.push(service);
        }
        Ok(services)
    }

    /// Elements and fields of both messages.
    fn messages(&self, kind: Node<'a, 'i>, service: &mut Service) -> Result<(), Unread> {
        let operation = children(kind, WSDL, "operation")
            .find(|node| node.attribute("name") == Some(service.name.as_str()))
            .ok_or_else(|| Unread::Missing(service.name.clone()))?;
        for (side, place) in [("input", Place::Body), ("output", Place::Reply)] {
            let Some(message) = children(operation, WSDL, side).next() else { continue };
            let message =
                self.named("message", message.attribute("message").unwrap_or_default())?;
            let Some(part) = children(message, WSDL, "part").next() else { continue };
            let Some(element) = part.attribute("element") else {
                return Err(Unread::Rpc(service.name.clone()));
            };
            let (schema, declared) = self.element(element)?;
            if place == Place::Body {
                service.element = Some(local(element).to_owned());
                service.namespace = schema.attribute("targetNamespace").map(str::to_owned);
            } else {
                service.reply = Some(local(element).to_owned());
            }
            self.fields(declared, place, "", 0, &mut service.fields);
        }
        Ok(())
    }

    fn schemas(&self) -> impl Iterator<Item = Node<'a, 'i>> {
        self.root.descendants().filter(|node| node.has_tag_name((SCHEMA, "schema")))
    }

    fn element(&self, name: &str) -> Result<(Node<'a, 'i>, Node<'a, 'i>), Unread> {
        self.schemas()
            .find_map(|schema| {
                let mut declared = children(schema, SCHEMA, "element");
                declared
                    .find(|node| node.attribute("name") == Some(local(name)))
                    .map(|node| (schema, node))
            })
            .ok_or_else(|| Unread::Missing(name.to_owned()))
    }

    /// Elements inside an element: of its own type, or of the one it names.
    fn fields(
        &self,
        element: Node<'a, 'i>,
        place: Place,
        prefix: &str,
        depth: usize,
        into: &mut Vec<Field>,
    ) {
        let named = element.attribute("type").and_then(|name| {
            self.schemas().find_map(|schema| {
                let mut types = children(schema, SCHEMA, "complexType");
                types.find(|node| node.attribute("name") == Some(local(name)))
            })
        });
        let holder = named.unwrap_or(element);
        if depth > DEPTH_MOST {
            return;
        }
        // Those of this element's own sequence, not of the elements inside it.
        let inner = holder.descendants().skip(1).filter(|node| {
            node.has_tag_name((SCHEMA, "element"))
                && node
                    .ancestors()
                    .skip(1)
                    .find(|above| above.has_tag_name((SCHEMA, "element")) || *above == holder)
                    == Some(holder)
        });
        for inner in inner {
            if into.len() >= FIELDS_MOST {
                return;
            }
            let name = inner.attribute("name").or(inner.attribute("ref")).unwrap_or_default();
            let is_list =
                inner.attribute("maxOccurs").is_some_and(|most| most != "1" && most != "0");
            let name = format!("{}{}", local(name), if is_list { "[]" } else { "" });
            let full = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            let required =
                if inner.attribute("minOccurs") == Some("0") { "" } else { ", required" };
            let kind = inner.attribute("type").map_or("group", local);
            into.push(Field { place, name: full.clone(), remark: format!("{kind}{required}") });
            self.fields(inner, place, &full, depth + 1, into);
        }
    }
}
