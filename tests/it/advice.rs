//! Whole sentences of findings and errors for what people really met: the answer names the cause and the setting.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup::Outcome;
use camunda_backup::core::transport::TransportErrorKind;
use camunda_backup::testing::{SimulatedCluster, StoreKind};
use camunda_backup::{
    BackupSpec, Cluster, Error, ErrorKind, Finding, FindingCode, Request, Response, Severity, Transport,
    TransportError,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{connect, eight_six, failed, findings, tuned, world};

type Answer = dyn Fn(&Request) -> Option<Result<Response, TransportError>> + Send + Sync;
type Edit = dyn Fn(&Request, &mut Value) + Send + Sync;

/// The simulated cluster, with some answers of somebody else in the place of its own.
struct Interposed {
    real: Arc<dyn Transport>,
    instead: Box<Answer>,
    edit: Box<Edit>,
}

impl fmt::Debug for Interposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interposed")
    }
}

#[async_trait]
impl Transport for Interposed {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if let Some(answer) = (self.instead)(&request) {
            return answer;
        }
        let mut response = self.real.send(request.clone()).await?;
        if let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) {
            (self.edit)(&request, &mut body);
            response.body = body.to_string().into();
        }
        Ok(response)
    }
}

async fn interposed(
    simulated: &SimulatedCluster,
    instead: impl Fn(&Request) -> Option<Result<Response, TransportError>> + Send + Sync + 'static,
    edit: impl Fn(&Request, &mut Value) + Send + Sync + 'static,
) -> Result<Cluster, Error> {
    let mut options = simulated.connect_options();
    let real = simulated.transport();
    options.transport = Some(Arc::new(Interposed { real, instead: Box::new(instead), edit: Box::new(edit) }));
    Cluster::connect_with(simulated.config().unwrap(), options).await
}

/// Some requests are answered otherwise.
async fn answering(
    simulated: &SimulatedCluster,
    instead: impl Fn(&Request) -> Option<(u16, String)> + Send + Sync + 'static,
) -> Result<Cluster, Error> {
    let respond = move |request: &Request| {
        let (status, body) = instead(request)?;
        Some(Ok(Response::new(StatusCode::from_u16(status).unwrap(), body)))
    };
    interposed(simulated, respond, |_, _| {}).await
}

fn of(request: &Request, component: &str) -> bool {
    request.component.to_string() == component
}

#[track_caller]
fn the_only(findings: &[Finding], code: FindingCode) -> &Finding {
    let of_code: Vec<_> = findings.iter().filter(|finding| finding.code == code).collect();
    assert_eq!(of_code.len(), 1, "{findings:?}");
    of_code[0]
}

async fn why_it_fails(cluster: &Cluster) -> Error {
    let plan = cluster.plan_backup(BackupSpec::default()).unwrap();
    failed(cluster.run(plan).await).0
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_while_reads_work_speaks_of_csrf() {
    let simulated = world("8.5.8", StoreKind::Elasticsearch8).await;
    let cluster = answering(&simulated, |request| {
        let spring = json!({"timestamp": "2024-05-22T14:23:13.817+00:00", "status": 403, "error": "Forbidden",
            "message": "Forbidden", "path": "/operate/actuator/backups"});
        (of(request, "operate") && request.method == Method::POST).then(|| (403, spring.to_string()))
    });
    let error = why_it_fails(&cluster.await.unwrap()).await;
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Forbidden, Outcome::Refused));
    let report = error.report();
    assert!(report.contains("CAMUNDA_OPERATE_CSRFPREVENTIONENABLED=false"), "{report}");
    assert!(!report.contains("with these credentials"), "{report}");
    assert!(
        error.request().is_some_and(|request| request.starts_with("POST http://operate.sim")),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hidden_endpoint_is_told_from_a_wrong_address() {
    const LINKS: &str = r#"{"_links":{"self":{},"health":{},"info":{},"conditions":{},"prometheus":{}}}"#;
    for (who, endpoint) in [("operate", "backups"), ("broker 0", "partitions"), ("zeebe", "exporting")] {
        let simulated = eight_six().await;
        let cluster = answering(&simulated, move |request| {
            let path = request.url.path();
            let absent = json!({"status": 404, "error": "Not Found", "path": path}).to_string();
            match path {
                _ if !of(request, who) => None,
                "/actuator" => Some((200, LINKS.to_owned())),
                "/actuator/info" => None,
                path if path.starts_with("/actuator/") => Some((404, absent)),
                _ => None,
            }
        });
        let report = match cluster.await {
            Err(error) => error.report(),
            Ok(cluster) => cluster.plan_backup(BackupSpec::default()).unwrap_err().report(),
        };
        assert!(report.contains("MANAGEMENT_ENDPOINTS_WEB_EXPOSURE_INCLUDE"), "{who}: {report}");
        assert!(report.contains(&format!("does not show `{endpoint}`")), "{who}: {report}");
        assert!(!report.contains("8092"), "{who}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_of_the_store_in_the_place_of_the_gateways_is_recognised() {
    let simulated = eight_six().await;
    let body = r#"{"error":"no handler found for uri [/actuator/info] and method [GET]"}"#;
    let cluster = answering(&simulated, move |request| of(request, "zeebe").then(|| (400, body.to_owned())));
    let error = cluster.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongComponent);
    assert!(error.to_string().contains("Elasticsearch or OpenSearch answers there"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_managed_stores_edge_says_is_read() {
    let unsigned = "User: anonymous is not authorized to perform: es:ESHttpGet with an explicit deny";
    let simulated = world("8.6.0", StoreKind::OpenSearch2).await;
    let denied = json!({"Message": unsigned}).to_string();
    let cluster = answering(&simulated, move |request| of(request, "store").then(|| (403, denied.clone())));
    let report = cluster.await.unwrap().plan_backup(BackupSpec::default()).unwrap_err().report();
    assert!(report.contains(unsigned) && report.contains("without a signature"), "{report}");

    let cluster = answering(&simulated, |request| {
        let body = json!({"Message": "Your request: '/_snapshot/backups/_verify' is not allowed."});
        request.url.path().ends_with("/_verify").then(|| (401, body.to_string()))
    });
    let findings = findings(&cluster.await.unwrap());
    let unverified = the_only(&findings, FindingCode::RepositoryUnverified);
    assert!(unverified.seen.contains("does not offer this request"), "{unverified}");
    assert!(!unverified.seen.contains("credentials"), "{unverified}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_with_its_user() {
    let simulated = eight_six().await;
    let cluster = answering(&simulated, |request| {
        let reason = "action [cluster:admin/repository/verify] is unauthorized for user [camunda-backup] with effective \
                      roles [snapshot_user], this action is granted by the cluster privileges [manage,all]";
        let body = json!({"error": {"type": "security_exception", "reason": reason}, "status": 403});
        request.url.path().ends_with("/_verify").then(|| (403, body.to_string()))
    });
    let findings = findings(&cluster.await.unwrap());
    let unverified = the_only(&findings, FindingCode::RepositoryUnverified);
    assert!(unverified.advice.contains("camunda-backup the cluster privilege `manage`"), "{unverified}");
}

/// It lacks `feature_states`, which would be noticed with exporting paused.
#[tokio::test(start_paused = true)]
async fn a_store_that_is_too_old_is_a_blocker_with_the_versions_that_work() {
    for old in ["7.10.2", "7.16.3"] {
        let simulated = tuned("8.2.29", StoreKind::Elasticsearch7, |options| {
            options.store_version = Some(old.to_owned());
        })
        .await;
        let report = connect(&simulated).await.plan_backup(BackupSpec::default()).unwrap_err().report();
        assert!(report.contains(old) && report.contains("Elasticsearch 7.17, 8 and 9"), "{report}");
        assert!(simulated.requests().iter().all(|request| request.operation != "zeebe.exporting.pause"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_socket_timeout_is_that_of_the_store_in_use() {
    let simulated = world("8.6.0", StoreKind::OpenSearch2).await;
    simulated.store().set_snapshot_duration(|name, _| {
        Duration::from_secs(if name.contains("tasklist") && name.contains("part_2") { 31 } else { 1 })
    });
    let error = why_it_fails(&connect(&simulated).await).await;
    let advice = error.advice().unwrap();
    assert!(advice.contains("CAMUNDA_TASKLIST_OPENSEARCH_SOCKETTIMEOUT"), "{advice}");
    assert!(!advice.contains("ELASTICSEARCH"), "{advice}");
}

/// A frozen node keeps its disk full on purpose; a data node that is full makes its indices read-only.
#[tokio::test(start_paused = true)]
async fn only_nodes_that_can_hold_our_indices_block() {
    for (roles, severity) in [
        (Some(json!(["data_frozen"])), None),
        (Some(json!(["master"])), None),
        (Some(json!(["data_hot", "data_content"])), Some(Severity::Blocker)),
        (None, Some(Severity::Warning)),
    ] {
        let simulated = eight_six().await;
        let told = roles.clone();
        let edit = move |request: &Request, body: &mut Value| match request.url.path() {
            "/_cat/allocation" => body.as_array_mut().unwrap().push(
                json!({"node": "instance-12", "disk.avail": "64424509440", "disk.total": "5497558138880"}),
            ),
            "/_nodes" => {
                if let Some(roles) = &told {
                    body["nodes"]["12"] = json!({"name": "instance-12", "roles": roles});
                }
            }
            _ => {}
        };
        let cluster = interposed(&simulated, |_| None, edit).await.unwrap();
        let findings = findings(&cluster);
        let disk = findings.iter().find(|finding| finding.code == FindingCode::StoreDiskFull);
        assert_eq!(disk.map(|finding| finding.severity), severity, "{roles:?}: {findings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_read_says_that_it_may_have_taken_effect() {
    for kind in [TransportErrorKind::Timeout, TransportErrorKind::Broken, TransportErrorKind::BodyTooLarge] {
        for who in ["zeebe", "operate", "store", "broker 0"] {
            let simulated = eight_six().await;
            let unanswered =
                move |request: &Request| of(request, who).then(|| Err(TransportError::new(kind, "cut")));
            let report = match interposed(&simulated, unanswered, |_, _| {}).await {
                Err(error) => error.report(),
                Ok(cluster) => format!("{:?}", findings(&cluster)),
            };
            assert!(!report.contains("took effect"), "{who} {kind:?}: {report}");
        }
    }
}
