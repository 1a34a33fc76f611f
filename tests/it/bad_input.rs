//! Section 10 of the specification: wrong versions, wrong addresses, wrong answers, and what they get.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use async_trait::async_trait;
use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
use camunda_backup::{
    BackupSpec, Cluster, ClusterConfig, Component, Endpoint, Error, ErrorKind, FindingCode, Request,
    Response, Transport, TransportError,
};
use http::StatusCode;

use crate::world::{completed, connect, connect_with, eight_six, findings, overriding, plan, world};

/// A cluster of which one host answers something else, for the requests that are picked.
#[derive(Debug)]
struct Impostor {
    real: SimulatedCluster,
    host: &'static str,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
}

#[async_trait]
impl Transport for Impostor {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.url.host_str() != Some(self.host) {
            return self.real.send(request).await;
        }
        let mut response = Response::new(StatusCode::from_u16(self.status).unwrap(), self.body.clone());
        for (name, value) in self.headers {
            response.headers.insert(*name, value.parse().unwrap());
        }
        Ok(response)
    }
}

async fn behind(impostor: Impostor) -> Result<Cluster, Error> {
    let (config, mut parts) = (impostor.real.config().unwrap(), impostor.real.connect_options());
    parts.transport = Some(Arc::new(impostor));
    Cluster::connect_with(config, parts).await
}

async fn impostor(host: &'static str, status: u16, body: impl Into<Vec<u8>>) -> Impostor {
    Impostor { real: eight_six().await, host, status, headers: &[], body: body.into() }
}

#[tokio::test(start_paused = true)]
async fn an_unsupported_version_is_refused_with_the_range() {
    for version in ["8.0.9", "8.11.0", "7.22.0", "9.0.0"] {
        let simulated = eight_six().await;
        simulated.camunda().set_component_version(Component::Zeebe, version.parse().unwrap());
        let error = connect_with(&simulated, |_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(version) && error.to_string().contains("8.1 … 8.10"), "{error}");
        assert!(error.advice().unwrap().contains("accept-unsupported-version"), "{}", error.report());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsupported_version_can_be_treated_as_the_nearest_on_purpose() {
    let simulated = world("8.11.0", StoreKind::Elasticsearch8).await;
    let newer: camunda_backup::CamundaVersion = "8.11.0".parse().unwrap();
    let cluster = connect_with(&simulated, |config| config.accept_unsupported_version = true).await.unwrap();
    let planned = plan(&cluster);
    assert_eq!(planned.version, newer);
    assert!(planned.to_string().contains("/v2/"), "as 8.10 speaks: {planned}");
    cluster.run(planned).await.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test(start_paused = true)]
async fn a_configured_version_that_is_not_the_real_one_is_refused() {
    let simulated = eight_six().await;
    let error =
        connect_with(&simulated, |config| config.version = Some("8.7.0".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("8.7.0") && error.to_string().contains("8.6.0"), "{error}");
}

/// Up to 8.3 the gateway does not tell its version, and its endpoints tell something.
#[tokio::test(start_paused = true)]
async fn a_declared_version_is_compared_with_what_the_gateway_shows_before_anything_is_sent() {
    for (real, declared, words) in [
        ("8.1.27", "8.2.29", "only 8.1 has"),
        ("8.1.27", "8.6.0", "only 8.1 has"),
        ("8.2.29", "8.1.27", "came with 8.2"),
        ("8.2.2", "8.2.29", "has a soft pause, and the gateway has none"),
        ("8.3.13", "8.2.2", "has no soft pause, and the gateway has one"),
        ("8.3.5", "8.3.13", "has a soft pause, and the gateway has none"),
    ] {
        let simulated = world(real, StoreKind::Elasticsearch8).await;
        simulated.start_recording();
        let declare =
            |config: &mut camunda_backup::ClusterConfig| config.version = Some(declared.parse().unwrap());
        let error = connect_with(&simulated, declare).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{real} {declared}: {error}");
        assert!(error.to_string().contains(words) && error.to_string().contains(declared), "{real}: {error}");
        assert!(simulated.requests().iter().all(|request| request.line.starts_with("GET ")), "{real}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_on_the_gateway_is_a_doubt_about_the_declared_version() {
    let simulated = world("8.3.13", StoreKind::Elasticsearch8).await;
    let declare =
        |config: &mut camunda_backup::ClusterConfig| config.version = Some("8.4.9".parse().unwrap());
    let cluster = connect_with(&simulated, declare).await.unwrap();
    let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
    assert!(
        error.to_string().contains("version-unconfirmed") && error.to_string().contains("8.4.9"),
        "{error}"
    );
    assert!(error.to_string().contains("newer than 8.3"), "{error}");
}

/// A cluster that was updated keeps the backups that its brokers made since.
#[tokio::test(start_paused = true)]
async fn a_backup_of_a_newer_broker_contradicts_the_declared_version() {
    let simulated = world("8.3.13", StoreKind::Elasticsearch8).await;
    completed(&simulated, crate::world::backup(&simulated).await);
    let declare =
        |config: &mut camunda_backup::ClusterConfig| config.version = Some("8.2.29".parse().unwrap());
    let cluster = connect_with(&simulated, declare).await.unwrap();
    let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
    assert!(
        error.to_string().contains("versions-differ") && error.to_string().contains("made by 8.3.13"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_operate_url_that_points_at_something_else_is_said_to() {
    let simulated = world("8.5.8", StoreKind::Elasticsearch8).await;
    let config = simulated.config().unwrap();
    for (name, other) in [("the gateway", config.zeebe.clone()), ("the store", config.store.clone().unwrap())]
    {
        let cluster = connect_with(&simulated, |config| config.operate = Some(other)).await.unwrap();
        let found = findings(&cluster);
        let wrong =
            found.iter().find(|f| f.component == "operate" && f.code == FindingCode::ComponentUnreachable);
        let wrong = wrong.unwrap_or_else(|| panic!("{name}: {found:#?}"));
        let words = ["not that of operate", "something else", "no handler found"];
        assert!(words.iter().any(|words| wrong.seen.contains(words)), "{name}: {wrong}");
        assert!(cluster.plan_backup(BackupSpec::default()).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn an_operate_url_that_points_at_tasklist_is_said_to() {
    // 8.6: both call themselves "Zeebe Distribution".
    let simulated = eight_six().await;
    let twins =
        connect_with(&simulated, |config| config.operate = config.tasklist.clone()).await.unwrap_err();
    assert_eq!(twins.kind(), ErrorKind::Config);
    assert!(twins.to_string().contains("operate and tasklist have the same address"), "{twins}");
    // Without the other to compare with: Tasklist does not know the id, and says so in its own way.
    let cluster = connect_with(&simulated, |config| config.operate = config.tasklist.take()).await.unwrap();
    let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
    assert!(error.to_string().contains("application-forgotten (tasklist)"), "{error}");
    let planned = cluster.plan_backup(overriding(&[FindingCode::ApplicationForgotten])).unwrap();
    let failure = cluster.run(planned).await.map(|report| panic!("{report}")).unwrap_err();
    let words = failure.error.report();
    assert!(words.contains("operate") && words.contains("Tasklist answers like this"), "{words}");
    assert!(crate::world::sent(&simulated, "zeebe.exporting.pause").is_empty());
    crate::world::assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_url_at_an_application_port_is_said_to() {
    let simulated = eight_six().await;
    for wrong in [simulated.config().unwrap().rest.unwrap(), simulated.config().unwrap().operate.unwrap()] {
        let error = connect_with(&simulated, |config| config.zeebe = wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongComponent, "{error}");
        assert!(error.to_string().contains("not that of zeebe"), "{error}");
        assert!(error.advice().unwrap().contains("9600"), "{}", error.report());
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_page_is_no_answer() {
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form/></body></html>";
    let error = behind(impostor("zeebe.sim", 200, page).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongComponent);
    assert!(error.report().contains("Sign in") && error.report().contains("login"), "{}", error.report());

    let sso = Impostor {
        headers: &[("location", "https://sso.example/auth?state=abc")],
        ..impostor("zeebe.sim", 302, "").await
    };
    let error = behind(sso).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongComponent);
    assert!(error.to_string().contains("sso.example") && !error.report().contains("state=abc"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn missing_and_wrong_credentials_are_said_to_be_just_that() {
    for (status, kind, words) in
        [(401, ErrorKind::Unauthorized, "credentials"), (403, ErrorKind::Forbidden, "permission")]
    {
        let error = behind(impostor("zeebe.sim", status, "").await).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.report().contains(words), "{}", error.report());
        // One component of many: the others are still looked at, and it is a blocker.
        for (host, component) in
            [("operate.sim", "operate"), ("store.sim", "store"), ("broker-1.sim", "broker 1")]
        {
            let cluster = behind(impostor(host, status, "").await).await.unwrap();
            let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
            assert!(error.to_string().contains(&format!("({component})")), "{host}: {error}");
            assert!(error.to_string().contains(&status.to_string()), "{host}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hostile_bodies_are_errors_and_no_panics() {
    let nested = "[".repeat(100_000);
    let bodies: [Vec<u8>; 6] = [
        nested.into_bytes(),
        b"{\"build\":{\"version\":\"8.6\0.0\"}}".to_vec(),
        vec![0xff, 0xfe, 0x00, 0x01],
        b"".to_vec(),
        b"null".to_vec(),
        b"{\"_links\":[1,2,3],\"brokers\":\"x\",\"snapshots\":{}}".to_vec(),
    ];
    for body in bodies {
        for host in ["zeebe.sim", "operate.sim", "optimize.sim", "store.sim", "broker-0.sim"] {
            match behind(impostor(host, 200, body.clone()).await).await {
                Err(error) => assert!(error.report().len() < 4000, "{host}: {error}"),
                Ok(cluster) => {
                    let error = cluster.plan_backup(BackupSpec::default()).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Blocked, "{host}: {error}");
                    assert!(error.to_string().len() < 10_000, "{host}: {}", error.to_string().len());
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_record_prefix_is_a_blocker_where_records_are_needed_and_a_warning_elsewhere() {
    for (version, severity) in [("8.6.0", "blocker"), ("8.8.0", "warning")] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let cluster = connect_with(&simulated, |config| {
            config.record_prefix = "wrong".parse().unwrap();
            config.optimize = None;
        })
        .await
        .unwrap();
        let found = findings(&cluster);
        let prefix = found.iter().find(|finding| finding.code == FindingCode::PrefixWithoutIndices).unwrap();
        assert!(prefix.to_string().starts_with(severity) && prefix.seen.contains("wrong"), "{prefix}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_inside_a_url_are_used_and_never_shown() {
    let simulated = world("8.8.0", StoreKind::Elasticsearch8).await;
    let rest = Endpoint::new("http://demo:hunter2@zeebe.sim:8080").unwrap();
    let cluster = connect_with(&simulated, |config| config.rest = Some(rest)).await.unwrap();
    let planned = plan(&cluster);
    assert!(!planned.to_string().contains("hunter2") && !format!("{cluster:?}").contains("hunter2"));
    completed(&simulated, cluster.run(planned).await);
    assert!(simulated.requests().iter().all(|request| !request.line.contains("hunter2")));
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_nothing_begins() {
    let simulated = eight_six().await;
    let mut parts = simulated.connect_options();
    parts.journal = None;
    let error = Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap_err();
    assert_eq!((error.kind(), error.component()), (ErrorKind::Config, Some(&Component::Journal)));
    assert!(error.advice().unwrap().contains("CAMUNDA_BACKUP_JOURNAL"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_written_is_an_error_before_anything_is_paused() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    let next = simulated.journal().puts() + 1;
    simulated.journal().full_from_put(next);
    simulated.start_recording();
    let failure = cluster.run(planned).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Journal, "{failure}");
    assert!(failure.to_string().contains("the disk is full"), "{failure}");
    assert_eq!(crate::world::changes(&simulated), Vec::<&str>::new());
}

/// A clock of ours that is a year ahead of the servers'.
#[derive(Debug)]
struct Ahead(camunda_backup::core::SimulatedClock);
impl camunda_backup::Clock for Ahead {
    fn now(&self) -> camunda_backup::Timestamp {
        let year = 365 * 24 * 3600 * 1000;
        camunda_backup::Timestamp::from_millis(self.0.now().millis() + year)
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_that_disagree_change_nothing() {
    let simulated = eight_six().await;
    let mut parts = simulated.connect_options();
    parts.clock = Some(Arc::new(Ahead(simulated.clock())));
    let cluster = Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
    let report = completed(&simulated, cluster.run(plan(&cluster)).await);
    assert_eq!(report.verdict, camunda_backup::Verdict::Proven, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_none_is_a_blocker() {
    let simulated = eight_six().await;
    simulated.inject(Rule::when(|request| request.line.contains("store.sim"), Fault::Garbage));
    let error = connect(&simulated).await.plan_backup(BackupSpec::default()).unwrap_err();
    assert!(error.to_string().contains("component-unreachable (store)"), "{error}");
    assert!(error.to_string().contains("neither Elasticsearch nor OpenSearch"), "{error}");
}

#[test]
fn a_configuration_with_an_unknown_field_is_refused() {
    let json = r#"{"zeebe": "http://zeebe:9600", "opreate": "http://operate:9600"}"#;
    let error = serde_json::from_str::<ClusterConfig>(json).unwrap_err();
    assert!(error.to_string().contains("opreate"), "{error}");
}
