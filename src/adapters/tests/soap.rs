//! SOAP: XML inside XML, Faults, and XML that would hurt.

use std::sync::Arc;

use super::agency::*;
use crate::adapters::Adapter;

fn manifest(agency: &Agency) -> String {
    format!(
        r#"
schema = 1
name = "police"
version = "1.0.0"
agency = "police"
[soap]
base = "https://localhost:{port}"
ca = "../ca.pem"
version = "1.1"
timeout = "1s"
arrays = ["RECORD"]
[[operation]]
fact = "P1"
document = 'xml(resp.body.queryResponse.out).PACKAGE'
[operation.request]
path = "/sfhc"
action = "urn:query"
inner = '''<PACKAGE><RECORD no="1"><GMSFHM>{{subject.person.document_number}}</GMSFHM><XM>{{subject.person.name}}</XM></RECORD></PACKAGE>'''
header = "<who>{{operator.unit}}</who>"
body = '<q:query xmlns:q="urn:q"><in0>{{inner}}</in0></q:query>'
[operation.outcome]
unavailable = 'doc.HEAD.FHDM != "10"'
not_found = 'doc.RECORD[0].GMSFHM_PPDDM == "0"'
found = 'true'
echo = 'doc.RECORD[0].GMSFHM == subject.person.document_number'
[operation.attributes]
identity_match = 'codes.ppd[doc.RECORD[0].XM_PPDDM]'
deceased = 'codes.ppd[doc.RECORD[0].SWBS]'
[operation.codes.ppd]
"1" = true
"0" = false
"#,
        port = agency.address.port()
    )
}

fn envelope(body: &str) -> Does {
    let text = format!(
        r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body>{body}</s:Body></s:Envelope>"#
    );
    Does::Says(200, "text/xml", text.into_bytes())
}

fn package(code: &str, record: &str) -> Does {
    let inner = format!("<PACKAGE><HEAD><FHDM>{code}</FHDM></HEAD>{record}</PACKAGE>");
    let escaped = inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    envelope(&format!("<queryResponse><out>{escaped}</out></queryResponse>"))
}

fn record(number: &str, known: &str, name: &str) -> String {
    format!(
        "<RECORD><GMSFHM>{number}</GMSFHM><GMSFHM_PPDDM>{known}</GMSFHM_PPDDM><XM_PPDDM>{name}</XM_PPDDM><SWBS>0</SWBS></RECORD>"
    )
}

async fn agency(does: Does) -> (Office, Agency, Arc<Adapter>) {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), move |_| does.clone()).await;
    let adapter = office.adapter(&manifest(&agency));
    (office, agency, adapter)
}

#[tokio::test]
async fn a_package_inside_an_envelope() {
    let (_office, agency, adapter) = agency(package("10", &record(HE, "1", "0"))).await;
    let question = query("P1", vec![person("person", HE, "<张三>")]);
    let answer = ask(&adapter, &question).await.map_err(|failure| failure.detail).unwrap();
    assert_eq!(told(&answer), "deceased=false identity_match=false");
    let heard = &agency.heard()[0];
    assert_eq!(heard.headers["soapaction"], "\"urn:query\"");
    assert_eq!(heard.headers["content-type"], "text/xml; charset=utf-8");
    let body = String::from_utf8(heard.body.clone()).unwrap();
    assert!(body.contains("<soap:Header><who>hall-1</who></soap:Header>"), "{body}");
    assert!(body.contains("&lt;XM&gt;&amp;lt;张三&amp;gt;&lt;/XM&gt;"), "{body}");
}

#[tokio::test]
async fn faults_and_nonsense_are_never_a_no() {
    let fault = "<s:Fault><faultcode>s:Server</faultcode><faultstring>busy</faultstring></s:Fault>";
    let text = |body: &str| Does::Says(200, "text/xml", body.as_bytes().to_vec());
    let deep = format!(
        "<Envelope><Body>{}{}</Body></Envelope>",
        "<a>".repeat(5_000),
        "</a>".repeat(5_000)
    );
    for (does, expected) in [
        (envelope(fault), "refused"),
        (package("12000", ""), "refused"),
        (package("10", ""), "contract_error"),
        (package("10", &record(SHE, "1", "1")), "contract_error"),
        (package("10", &record(HE, "1", "5")), "contract_error"),
        (envelope("<queryResponse/>"), "contract_error"),
        (text("<html><body>login</body></html>"), "contract_error"),
        (
            text("<!DOCTYPE a [<!ENTITY l \"ha\">]><Envelope><Body>&l;</Body></Envelope>"),
            "contract_error",
        ),
        (text(&deep), "contract_error"),
        (text("<Envelope><Body>"), "contract_error"),
        (text(""), "contract_error"),
    ] {
        let (_office, _agency, adapter) = agency(does).await;
        let question = query("P1", vec![person("person", HE, "张三")]);
        let (reason, detail) = failure(&adapter, &question).await;
        assert_eq!(reason, expected, "{detail}");
    }
    let (_office, _agency, adapter) = agency(package("10", &record(HE, "0", "0"))).await;
    let question = query("P1", vec![person("person", HE, "张三")]);
    let answer = ask(&adapter, &question).await.map_err(|failure| failure.detail).unwrap();
    assert_eq!(told(&answer), "not found");
}

/// A manifest whose rules and attributes look at nothing must not make an answer of a Fault.
#[tokio::test]
async fn a_fault_is_no_record_whatever_the_manifest_says() {
    let office = Office::new();
    let does = envelope("<s:Fault><faultcode>s:Server</faultcode></s:Fault>");
    let agency = Agency::open(office.server("localhost", &[]), move |_| does.clone()).await;
    let text = manifest(&agency);
    let (before, _) = text.split_once("[operation.outcome]").unwrap();
    let rules = "[operation.outcome]\nfound = 'true'\n[operation.attributes]\nidentity_match = 'true'\ndeceased = 'false'\n";
    let adapter = office.adapter(&format!("{before}{rules}"));
    let question = query("P1", vec![person("person", HE, "张三")]);
    let (reason, detail) = failure(&adapter, &question).await;
    assert_eq!(reason, "refused", "{detail}");
}

/// The envelope of the other version: a Fault in it is an agency that cannot answer, an answer in it is none.
#[tokio::test]
async fn an_answer_in_another_version_or_in_parts_is_a_contract_error() {
    let other = |body: &str| {
        let text = format!(
            r#"<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>{body}</e:Body></e:Envelope>"#
        );
        Does::Says(200, "application/soap+xml", text.into_bytes())
    };
    let parts = Does::Says(200, "multipart/related; type=\"text/xml\"", b"--x".to_vec());
    for (does, reason, part) in [
        (other("<r/>"), "contract_error", "the answer is SOAP 1.2; the manifest's is 1.1"),
        (other("<e:Fault><e:Code/></e:Fault>"), "refused", "Fault"),
        (parts, "contract_error", "multipart"),
    ] {
        let (_office, _agency, adapter) = agency(does).await;
        let question = query("P1", vec![person("person", HE, "张三")]);
        let (found, detail) = failure(&adapter, &question).await;
        assert_eq!(found, reason, "{detail}");
        assert!(detail.contains(part), "{detail}");
    }
}

/// Two elements of one local name: only the declared namespace tells the answer from the platform's remark.
#[tokio::test]
async fn declared_namespaces_tell_elements_of_one_name_apart() {
    let reply = |register: &str| {
        format!(
            "<r:out xmlns:r='{register}' xmlns:p='urn:platform'><p:flag>0</p:flag>\
             <r:number>{HE}</r:number><r:flag>1</r:flag></r:out>"
        )
    };
    for (register, expected) in
        [("urn:register", Ok("deceased=true identity_match=true")), ("urn:other", Err(()))]
    {
        let office = Office::new();
        let does = envelope(&reply(register));
        let agency = Agency::open(office.server("localhost", &[]), move |_| does.clone()).await;
        let manifest = manifest(&agency)
            .replace("arrays = [\"RECORD\"]", "namespaces = { g = \"urn:register\" }")
            .replace(
                "document = 'xml(resp.body.queryResponse.out).PACKAGE'",
                "document = 'resp.body[\"g:out\"]'",
            )
            .replace("unavailable = 'doc.HEAD.FHDM != \"10\"'\n", "")
            .replace("not_found = 'doc.RECORD[0].GMSFHM_PPDDM == \"0\"'\n", "")
            .replace("doc.RECORD[0].GMSFHM ==", "doc[\"g:number\"] ==")
            .replace("doc.RECORD[0].XM_PPDDM", "doc[\"g:flag\"]")
            .replace("doc.RECORD[0].SWBS", "doc[\"g:flag\"]");
        let adapter = office.adapter(&manifest);
        let question = query("P1", vec![person("person", HE, "张三")]);
        match expected {
            Ok(expected) => {
                let answer = ask(&adapter, &question).await.map_err(|failure| failure.detail);
                assert_eq!(told(&answer.unwrap()), expected);
            }
            Err(()) => assert_eq!(failure(&adapter, &question).await.0, "contract_error"),
        }
    }
}

/// What GBK cannot carry is refused before anything is sent; GB 18030 carries it in four bytes.
#[tokio::test]
async fn rare_characters_in_an_envelope() {
    let question = query("P1", vec![person("person", HE, "张𠮷")]);
    for charset in ["gbk", "gb18030"] {
        let office = Office::new();
        let does = package("10", &record(HE, "1", "1"));
        let agency = Agency::open(office.server("localhost", &[]), move |_| does.clone()).await;
        let manifest =
            manifest(&agency).replace("[soap]", &format!("[soap]\ncharset = \"{charset}\""));
        let adapter = office.adapter(&manifest);
        if charset == "gbk" {
            let (reason, detail) = failure(&adapter, &question).await;
            assert_eq!(reason, "contract_error");
            assert!(detail.contains("request.inner `subject.person.name`"), "{detail}");
            assert!(detail.contains("cannot carry") && !detail.contains('𠮷'), "{detail}");
            assert!(agency.heard().is_empty());
        } else {
            let answer = ask(&adapter, &question).await.map_err(|failure| failure.detail).unwrap();
            assert_eq!(told(&answer), "deceased=false identity_match=true");
            let body = &agency.heard()[0].body;
            let name = [0xd5, 0xc5, 0x95, 0x34, 0xb2, 0x35];
            assert!(body.windows(6).any(|bytes| bytes == name));
        }
    }
}
