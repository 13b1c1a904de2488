//! Places, rate, breaker, and reloading: one agency's trouble stays its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::agency::*;

fn manifest(agency: &Agency, fact: &str, resilience: &str) -> String {
    let attributes = match fact {
        "M2" => "married = 'true'\nregistered_on = 'null'",
        _ => "identity_match = 'true'\ndeceased = 'false'",
    };
    let name = if fact == "M2" { "civil-affairs" } else { "police" };
    format!(
        r#"
schema = 1
name = "{name}"
version = "1.0.0"
agency = "{name}"
[http]
base = "https://localhost:{port}"
ca = "../ca.pem"
timeout = "300ms"
[resilience]
{resilience}
[[operation]]
fact = "{fact}"
[operation.request]
path = "/"
[operation.outcome]
found = 'resp.status == 200'
[operation.attributes]
{attributes}
"#,
        port = agency.address.port()
    )
}

#[tokio::test]
async fn one_more_than_there_are_places_is_refused_at_once() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| Does::Sleeps).await;
    let adapter = office.adapter(&manifest(&agency, "M2", "max_in_flight = 2"));
    let query = couple();
    let reasons = tokio::join!(
        failure(&adapter, &query),
        failure(&adapter, &query),
        failure(&adapter, &query)
    );
    assert_eq!((reasons.0.0, reasons.1.0, reasons.2.0), ("timeout", "timeout", "overloaded"));
    assert_eq!(adapter.state().in_flight, 0);
}

#[tokio::test]
async fn the_rate_waits_within_the_deadline_and_no_longer() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| json("{}")).await;
    let adapter = office.adapter(&manifest(&agency, "M2", "rate_per_second = 2"));
    let started = std::time::Instant::now();
    for _ in 0..3 {
        assert!(ask(&adapter, &couple()).await.is_ok());
    }
    assert!(started.elapsed() > Duration::from_millis(300), "the third waited");
    let hurried = adapter.ask_granted(&|_| true, &couple(), NOW, Duration::from_millis(100)).await;
    let failure = hurried.err().unwrap();
    assert_eq!(failure.reason.code(), "overloaded");
    assert!(failure.retry_after.is_some());
}

#[tokio::test]
async fn the_breaker_opens_for_one_agency_and_not_for_another() {
    let office = Office::new();
    let dead = Agency::open(office.server("localhost", &[]), |_| Does::HangsUp).await;
    let alive = Agency::open(office.server("localhost", &[]), |_| json("{}")).await;
    office.place("civil.toml", &manifest(&dead, "M2", ""));
    office.place("police.toml", &manifest(&alive, "P1", ""));
    let (adapters, findings) = office.load(None);
    assert_eq!(findings, []);
    let civil = adapters.for_fact(&"M2".into()).unwrap();
    for _ in 0..6 {
        assert_eq!(failure(civil, &couple()).await.0, "unreachable");
    }
    assert_eq!(failure(civil, &couple()).await.0, "breaker_open");
    assert_eq!((dead.heard().len(), civil.state().breaker.name()), (6, "open"));
    let police = adapters.for_fact(&"P1".into()).unwrap();
    let question = query("P1", vec![person("person", HE, "张三")]);
    assert!(ask(police, &question).await.is_ok());
    assert_eq!(police.state().breaker.name(), "closed");
}

#[tokio::test]
async fn hurried_questions_do_not_open_the_breaker() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| Does::Sleeps).await;
    let adapter = office.adapter(&manifest(&agency, "M2", ""));
    for _ in 0..6 {
        let budget = Duration::from_millis(20);
        let hurried = adapter.ask_granted(&|_| true, &couple(), NOW, budget).await;
        assert_eq!(hurried.err().unwrap().reason.code(), "timeout");
    }
    assert_eq!(adapter.state().breaker.name(), "closed");
    // With time enough its silence is the agency's own: the site's limit of 300 ms comes first.
    for _ in 0..6 {
        assert_eq!(failure(&adapter, &couple()).await.0, "timeout");
    }
    assert_eq!(adapter.state().breaker.name(), "open");
}

#[tokio::test]
async fn a_manifest_gone_bad_keeps_its_last_good_version() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| json("{}")).await;
    let good = manifest(&agency, "M2", "");
    office.place("civil.toml", &good);
    let (first, _) = office.load(None);
    let (same, findings) = office.load(Some(&first));
    assert_eq!(findings, []);
    assert!(std::sync::Arc::ptr_eq(&first.all()[0], &same.all()[0]), "nothing changed");

    office.place("civil.toml", "schema = 1\nnonsense = 2");
    office.place(
        "another.toml",
        &good.replace("name = \"civil-affairs\"\nversion", "name = \"second\"\nversion"),
    );
    let (kept, findings) = office.load(Some(&first));
    assert!(std::sync::Arc::ptr_eq(&first.all()[0], &kept.all()[0]));
    assert_eq!(kept.all().len(), 1);
    assert!(
        findings.iter().any(|finding| finding.problem.contains("`M2` is answered by")),
        "{findings:?}"
    );
    assert!(ask(kept.for_fact(&"M2".into()).unwrap(), &couple()).await.is_ok());

    std::fs::remove_file(office.path().join("adapters/another.toml")).unwrap();
    office.place("civil.toml", &good.replace("1.0.0", "1.1.0"));
    let (changed, findings) = office.load(Some(&kept));
    assert_eq!((findings.len(), changed.all()[0].version()), (0, "1.1.0"));
    std::fs::remove_file(office.path().join("adapters/civil.toml")).unwrap();
    assert!(office.load(Some(&changed)).0.all().is_empty());
}

/// Whoever may change one manifest must not get the questions that go to another agency.
#[tokio::test]
async fn a_changed_manifest_does_not_take_what_another_has() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| json("{}")).await;
    let (civil, police) = (manifest(&agency, "M2", ""), manifest(&agency, "P1", ""));
    // Its name sorts before the other's.
    office.place("a.toml", &civil);
    office.place("police.toml", &police);
    let (first, _) = office.load(None);
    assert_eq!(first.all().len(), 2);
    for taken in [police.clone(), police.replace("name = \"police\"", "name = \"own\"")] {
        office.place("a.toml", &taken);
        let (kept, findings) = office.load(Some(&first));
        assert!(first.is_same(&kept), "{findings:?}");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].file.ends_with("a.toml"), "{findings:?}");
        assert!(findings[0].problem.ends_with("stays as it was before"), "{findings:?}");
    }
    // After a restart nothing says whose it was.
    let (cold, findings) = office.load(None);
    assert!(cold.for_fact(&"P1".into()).is_none());
    let files: Vec<_> = findings.iter().map(|flaw| flaw.file.file_name().unwrap()).collect();
    assert_eq!(files, ["a.toml", "police.toml"]);
    assert!(findings[0].problem.contains("is wanted by"), "{findings:?}");
}

#[tokio::test]
async fn one_manifest_is_read_again_and_the_others_are_not_looked_at() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| Does::Sleeps).await;
    let (civil, police) = (manifest(&agency, "M2", ""), manifest(&agency, "P1", ""));
    office.place("civil.toml", &civil);
    office.place("police.toml", &police);
    let (first, _) = office.load(None);
    let folder = office.path().join("adapters");
    let again = |adapters: &crate::adapters::Adapters, name: &str| {
        let allowed = crate::adapters::Allowed::everything();
        adapters.with_one(name, (&folder, &allowed), b"", &super::facts)
    };
    let [old, other] = [0, 1].map(|at| std::sync::Arc::downgrade(&first.all()[at]));

    // A question under way keeps the old version, and its connections, until it ends.
    let asked = first.for_fact(&"M2".into()).unwrap().clone();
    let mut question = Box::pin(async move { failure(&asked, &couple()).await });
    assert!(futures_util::poll!(&mut question).is_pending());
    office.place("civil.toml", &civil.replace("1.0.0", "1.1.0"));
    office.place("police.toml", "nonsense");
    let second = again(&first, "civil-affairs").unwrap();
    assert_eq!(second.all()[0].version(), "1.1.0");
    assert!(std::sync::Arc::ptr_eq(&second.all()[1], &other.upgrade().unwrap()));
    drop(first);
    assert!(old.upgrade().is_some(), "still asked");
    assert_eq!(question.await.0, "timeout");
    assert!(old.upgrade().is_none(), "nothing holds it any more");

    // A flaw is told, and so is a name that nobody has.
    let flaws = again(&second, "police").err().unwrap();
    assert!(flaws[0].file.ends_with("police.toml") && flaws[0].place.is_some(), "{flaws:?}");
    let flaws = again(&second, "tax").err().unwrap();
    assert!(flaws[0].problem.contains("named `tax`"), "{flaws:?}");
    office.place("civil.toml", &civil.replacen("civil-affairs", "renamed", 1));
    let flaws = again(&second, "civil-affairs").err().unwrap();
    assert!(flaws[0].problem.contains("named `renamed` now"), "{flaws:?}");
    // A name or a fact that another has is not taken away.
    std::fs::remove_file(folder.join("civil.toml")).unwrap();
    office.place("copy.toml", &police.replace("name = \"police\"", "name = \"copy\""));
    let flaws = again(&second, "copy").err().unwrap();
    assert!(flaws[0].problem.contains("`P1` is answered by"), "{flaws:?}");

    let of_civil = civil.replace("name = \"civil-affairs\"\nversion", "name = \"copy\"\nversion");
    office.place("copy.toml", &of_civil);
    let flaws = again(&second, "copy").err().unwrap();
    assert!(flaws[0].problem.contains("`M2` is answered by"), "{flaws:?}");
    // Nor is a file that another came from, whatever name is in it now.
    office.place("police.toml", &civil);
    std::fs::remove_file(folder.join("copy.toml")).unwrap();
    assert_eq!(again(&second, "civil-affairs").unwrap().all()[0].name(), "police");
    office.place("police.toml", "nonsense");

    // One that is gone is gone, and a new one is found by its name.
    let third = again(&second, "civil-affairs").unwrap();
    assert_eq!(third.all().len(), 1);
    office.place("moved.toml", &civil);
    let fourth = again(&third, "civil-affairs").unwrap();
    assert_eq!((fourth.all().len(), fourth.all()[0].version()), (2, "1.0.0"));
    assert!(again(&fourth, "civil-affairs").unwrap().is_same(&fourth), "nothing has changed");
}

#[tokio::test]
async fn counters_go_on_over_versions_and_the_breaker_begins_closed() {
    let office = Office::new();
    let is_well = Arc::new(AtomicBool::new(true));
    let mood = Arc::clone(&is_well);
    let does = move |_: &Heard| match mood.load(Ordering::SeqCst) {
        true => json("{}"),
        false => Does::HangsUp,
    };
    let agency = Agency::open(office.server("localhost", &[]), does).await;
    let text = manifest(&agency, "M2", "");
    office.place("civil.toml", &text);
    let (first, _) = office.load(None);
    assert!(ask(&first.all()[0], &couple()).await.is_ok());
    is_well.store(false, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(failure(&first.all()[0], &couple()).await.0, "unreachable");
    }
    let before = first.all()[0].state();
    assert_eq!((before.answered, before.unavailable, before.breaker.name()), (1, 5, "open"));

    office.place("civil.toml", &text.replace("1.0.0", "1.1.0"));
    let (second, _) = office.load(Some(&first));
    let adapter = &second.all()[0];
    let after = adapter.state();
    let closed = crate::adapters::Breaker::Closed;
    assert_eq!(after, crate::adapters::State { breaker: closed, ..before });
    assert_eq!((adapter.version(), after.latency.unwrap().of), ("1.1.0", 6));
    is_well.store(true, Ordering::SeqCst);
    assert!(ask(adapter, &couple()).await.is_ok());
    // A question that the old version was asked last counts too.
    let late = first.all()[0].ask_granted(&|_| true, &couple(), NOW, BUDGET).await;
    assert_eq!(late.err().unwrap().reason.code(), "breaker_open");
    let now = adapter.state();
    assert_eq!((now.answered, now.unavailable, now.latency.unwrap().of), (2, 6, 7));

    // In front of another adapter's agency they begin anew, whatever its file.
    office.place("civil.toml", &text.replacen("civil-affairs", "renamed", 1));
    let (third, _) = office.load(Some(&second));
    let anew = third.all()[0].state();
    assert_eq!((anew.answered, anew.unavailable, anew.latency), (0, 0, None));
}

#[tokio::test]
async fn an_agency_in_maintenance_is_not_asked() {
    let office = Office::new();
    let agency = Agency::open(office.server("localhost", &[]), |_| json("{}")).await;
    let windows = "[[maintenance]]\ndays = [\"Wednesday\"]\nfrom = \"06:00\"\nto = \"07:00\"\n";
    // NOW is Wednesday, 15 November 2023, 06:13:20 in China.
    let adapter = office.adapter(&format!("{}\n{windows}", manifest(&agency, "M2", "")));
    for _ in 0..10 {
        let failure = ask(&adapter, &couple()).await.err().unwrap();
        let left = Duration::from_secs(46 * 60 + 40);
        assert_eq!((failure.reason.code(), failure.retry_after), ("maintenance", Some(left)));
    }
    assert_eq!((agency.heard().len(), adapter.state().breaker.name()), (0, "closed"));
    assert_eq!(adapter.health(NOW).name(), "maintenance");
    let after = NOW.plus(Duration::from_secs(3600));
    assert_eq!(adapter.health(after).name(), "serving");
    assert!(adapter.maintenance(after).is_some_and(|next| next.from > after));
    // The window that is told goes to the end of the one that follows it.
    let more = windows.replace("06:00", "07:00").replace("to = \"07:00\"", "to = \"08:00\"");
    let both = office.adapter(&format!("{}\n{windows}{more}", manifest(&agency, "M2", "")));
    let ends = NOW.plus(Duration::from_secs((60 + 46) * 60 + 40));
    assert_eq!(both.maintenance(NOW).map(|span| span.to), Some(ends));
    assert_eq!(both.closed(&"M2".into(), NOW).unwrap().reason.code(), "maintenance");
    assert!(adapter.ask_granted(&|_| true, &couple(), after, BUDGET).await.is_ok());
}
