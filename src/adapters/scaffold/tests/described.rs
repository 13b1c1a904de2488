//! Descriptions of services: what is read of them, and what is refused and why.

use serde_json::json;

use super::{catalogue, flaws, plan};
use crate::adapters::scaffold::{Described, Kind, Place, Service, Unread, begin, openapi, wsdl};

const OPENAPI: &str = include_str!("register.openapi.yaml");
const WSDL: &str = include_str!("register.wsdl");

fn names(described: &Described, place: Place) -> Vec<&str> {
    let fields = described.services[0].fields.iter();
    fields.filter(|field| field.place == place).map(|field| field.name.as_str()).collect()
}

#[tokio::test]
async fn an_openapi_description_fills_in_where_to_ask_and_shows_its_fields() {
    let described = openapi(OPENAPI).unwrap();
    assert_eq!(described.services.len(), 3);
    let service = described.services[0].clone();
    assert_eq!(service.name, "getInstitution");
    assert_eq!(service.base.as_deref(), Some("https://register.example:8443"));
    assert_eq!(
        (service.method.as_str(), service.path.as_str()),
        ("GET", "/openapi/v1/institution")
    );
    assert_eq!(names(&described, Place::Query), ["tyshxydm"]);
    assert_eq!(names(&described, Place::Header), ["X-Access-Key"]);
    let reply = names(&described, Place::Reply);
    assert_eq!(
        reply,
        ["code", "data", "data.JGMC", "data.TYSHXYDM", "data.changes", "data.changes[].on"]
    );
    assert!(described.services[1].obstacle().unwrap().contains("{id}"));
    assert!(described.services[2].obstacle().unwrap().contains("DELETE"));

    let fact = catalogue().fact(&"E1".into()).unwrap().clone();
    let plan = plan(Kind::Http, vec![fact], Some(service));
    assert!(flaws(&plan).is_empty(), "{:#?}", flaws(&plan));
    let manifest = begin(&plan).manifest;
    for line in [
        "base    = \"https://register.example:8443\"",
        "method  = \"GET\"",
        "#   reply   data.JGMC string: 机构名称",
    ] {
        assert!(manifest.contains(line), "{line} is missing in\n{manifest}");
    }
}

#[test]
fn json_and_version_3_1_are_read_as_well() {
    let text = r##"{"openapi": "3.1.0", "paths": {"/a": {"post": {
        "requestBody": {"content": {"application/json": {"schema": {"allOf": [{"$ref": "#/components/schemas/A"}]}}}},
        "responses": {"200": {"description": ""}}}}},
        "components": {"schemas": {"A": {"properties": {"x": {"type": ["string", "null"], "enum": ["1", "2"]}, "self": {"$ref": "#/components/schemas/A"}}}}}}"##;
    let described = openapi(text).unwrap();
    let service = &described.services[0];
    assert_eq!((service.name.as_str(), service.base.as_deref()), ("POST /a", None));
    // A schema that contains itself ends somewhere.
    assert!(service.fields.len() < 50);
    let field = service.fields.iter().find(|field| field.name == "x").unwrap();
    assert_eq!(field.remark, "string or null of \"1\", \"2\"");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let unread = |text: &str| openapi(text).unwrap_err().to_string();
    assert!(unread("swagger: '2.0'\npaths: {}").contains("Swagger 2.0"));
    assert!(unread("openapi: 4.0.0\npaths: {}").contains("OpenAPI 4.0.0"));
    assert!(unread("a: [").contains("no OpenAPI document"));
    assert!(unread("title: x").contains("`openapi` is missing"));
    assert_eq!(openapi("openapi: 3.0.1\npaths: {}").unwrap_err(), Unread::Empty);
    let elsewhere = OPENAPI.replace("#/components/schemas/Reply", "common.yaml#/Reply");
    assert_eq!(
        openapi(&elsewhere).unwrap_err(),
        Unread::Elsewhere("common.yaml#/Reply".to_owned())
    );
    let missing = OPENAPI.replace("#/components/schemas/Reply", "#/components/schemas/Riply");
    assert!(matches!(openapi(&missing).unwrap_err(), Unread::Missing(_)));
}

#[tokio::test]
async fn a_wsdl_fills_in_element_action_and_version() {
    let described = wsdl(WSDL).unwrap();
    let service = described.services[0].clone();
    assert_eq!(service.name, "QueryInstitution");
    assert_eq!(
        (service.base.as_deref(), service.path.as_str()),
        (Some("https://register.example:8443"), "/services/Register")
    );
    assert_eq!(service.action, "urn:register:QueryInstitution");
    assert_eq!(service.element.as_deref(), Some("queryInstitution"));
    assert_eq!(service.namespace.as_deref(), Some("urn:register"));
    assert_eq!(service.reply.as_deref(), Some("queryInstitutionResponse"));
    assert!(!service.is_soap_1_2);
    assert_eq!(names(&described, Place::Body), ["code"]);
    assert_eq!(
        names(&described, Place::Reply),
        ["code", "record[]", "record[].name", "record[].state"]
    );

    let fact = catalogue().fact(&"E1".into()).unwrap().clone();
    let plan = plan(Kind::Soap, vec![fact], Some(service));
    assert!(flaws(&plan).is_empty(), "{:#?}", flaws(&plan));
    assert!(begin(&plan).manifest.contains("<q:queryInstitution xmlns:q=\"urn:register\">"));
    let newer = WSDL.replace("wsdl/soap/", "wsdl/soap12/");
    assert!(wsdl(&newer).unwrap().services[0].is_soap_1_2);
}

#[test]
fn a_wsdl_that_would_be_guessed_at_is_refused() {
    let unread = |from: &str, to: &str| wsdl(&WSDL.replace(from, to)).unwrap_err();
    assert_eq!(
        unread("style=\"document\"", "style=\"rpc\""),
        Unread::Rpc("QueryInstitution".to_owned())
    );
    assert_eq!(
        unread("element=\"tns:queryInstitution\"", "type=\"xsd:string\""),
        Unread::Rpc("QueryInstitution".to_owned())
    );
    let import = "<xsd:import namespace=\"urn:x\" schemaLocation=\"types.xsd\"/><xsd:element name=\"queryInstitution\">";
    assert_eq!(
        unread("<xsd:element name=\"queryInstitution\">", import),
        Unread::Elsewhere("types.xsd".to_owned())
    );
    assert!(matches!(
        unread("name=\"queryInstitutionResponse\"", "name=\"other\""),
        Unread::Missing(_)
    ));
    assert!(matches!(wsdl("<a/>").unwrap_err(), Unread::Form(..)));
    assert!(matches!(
        wsdl("<description xmlns=\"http://www.w3.org/ns/wsdl\"/>").unwrap_err(),
        Unread::Version(_)
    ));
    assert!(matches!(
        wsdl("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").unwrap_err(),
        Unread::Form(..)
    ));
}

#[test]
fn nothing_of_a_description_becomes_a_key_or_an_expression() {
    let keys = "/x\"\nbody = 'secret.app_secret'\n[operation.lists]\nq = []   #";
    let text = json!({ "openapi": "3.1.0", "paths": { (keys): { "post": {} } } }).to_string();
    let service = openapi(&text).unwrap().services[0].clone();
    assert!(service.obstacle().unwrap().contains("its path"));
    let fact = catalogue().fact(&"E1".into()).unwrap().clone();
    // Those who ask for it all the same still get it as text.
    let http = begin(&plan(Kind::Http, vec![fact.clone()], Some(service.clone()))).manifest;
    let http: toml::Table = toml::from_str(&http).unwrap();
    let request = &http["operation"][0]["request"];
    assert_eq!(request["path"].as_str(), Some(keys));
    assert!(request.get("body").is_none() && http["operation"][0].get("lists").is_none());

    let strange = Service {
        action: "a\"b".to_owned(),
        element: Some("q".to_owned()),
        namespace: Some("urn:'''\n{secret.x}".to_owned()),
        reply: Some("r\" + secret.x + \"".to_owned()),
        ..service
    };
    assert!(strange.obstacle().is_some());
    let soap = begin(&plan(Kind::Soap, vec![fact], Some(strange))).manifest;
    let soap: toml::Table = toml::from_str(&soap).unwrap();
    let operation = &soap["operation"][0];
    assert_eq!(operation["request"]["action"].as_str(), Some("a\"b"));
    let body = operation["request"]["body"].as_str().unwrap();
    assert!(body.contains("{{secret.x}}") && body.contains("{subject.employer.uscc}"), "{body}");
    assert!(!operation["document"].as_str().unwrap().contains("\" + secret"));
}
