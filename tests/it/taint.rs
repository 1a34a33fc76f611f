//! I9: a marker in every kind of credential of every endpoint, through whole runs, good and bad; everything that can be
//! printed is printed, everything logs at TRACE, and the marker is in none of it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::{Debug, Display, Write as _};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup::core::{Auth, OidcConfig};
use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
use camunda_backup::{
    Cluster, ClusterConfig, ConnectOptions, Endpoint, Failure, Journal as _, Report, Request, Response,
    Secret, Transport, TransportError,
};
use http::StatusCode;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{is_paused, plan, until, world};

const MARKER: &str = "TAINT-7f3a9c";
const TOKEN_URL: &str = "http://idp.sim/token";

/// Everything that was printed or logged.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<String>>);

impl Output {
    fn add(&self, thing: &(impl Display + Debug)) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{thing} {thing:?}").unwrap();
    }

    fn debug(&self, thing: &impl Debug) {
        write!(self.0.lock().unwrap(), "{thing:?}").unwrap();
    }

    fn json(&self, thing: &impl serde::Serialize) {
        self.0.lock().unwrap().push_str(&serde_json::to_string(thing).unwrap());
    }

    fn error(&self, error: &camunda_backup::Error) {
        self.add(error);
        write!(self.0.lock().unwrap(), "{} {:?}", error.report(), error.advice()).unwrap();
    }

    fn report(&self, report: &Report) {
        self.add(report);
        self.json(report);
    }

    fn failure(&self, failure: &Failure) {
        self.add(failure);
        self.error(&failure.error);
        failure.secondary.iter().for_each(|error| self.error(error));
        if let Some(report) = &failure.report {
            self.report(report);
        }
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The marker as it is, and as Basic credentials write it.
fn assert_clean(what: &str, text: &str) {
    let lower = text.to_ascii_lowercase();
    for form in [MARKER, "VEFJTlQtN2YzYTlj", "RBSU5ULTdmM2E5Y", "UQUlOVC03ZjNhOW"] {
        if let Some(at) = lower.find(&form.to_lowercase()) {
            let before: String = lower[..at].chars().rev().take(400).collect();
            panic!("{what} shows the marker after: {}", before.chars().rev().collect::<String>());
        }
    }
}

/// Hands out tainted tokens, and on demand repeats whole requests in its errors, as debugging proxies do.
#[derive(Debug)]
struct Talkative {
    real: SimulatedCluster,
    repeats: AtomicBool,
    authorized: AtomicUsize,
}

#[async_trait]
impl Transport for Talkative {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.url.host_str() == Some("idp.sim") {
            let token = format!(r#"{{"access_token":"{MARKER}-token","expires_in":60}}"#);
            return Ok(Response::new(StatusCode::OK, token.into_bytes()));
        }
        let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        self.authorized.fetch_add(usize::from(authorization.is_some()), Ordering::SeqCst);
        let deciding = request.operation.ends_with(".create") || request.operation.ends_with(".delete");
        if self.repeats.load(Ordering::SeqCst) && deciding {
            let words = format!("cannot handle {} with {:?}", request.url, authorization.unwrap_or_default());
            let body = serde_json::json!({"message": words, "error": {"type": words, "reason": words}});
            return Ok(Response::new(StatusCode::SERVICE_UNAVAILABLE, body.to_string().into_bytes()));
        }
        self.real.send(request).await
    }
}

fn oidc() -> Auth {
    Auth::Oidc(OidcConfig::new(TOKEN_URL, "me", Secret::new(format!("{MARKER}-client"))).unwrap())
}

/// Every kind of credential, put on an address.
fn tainted(kind: usize, endpoint: &Endpoint) -> Endpoint {
    let secret = Secret::new(format!("{MARKER}-secret"));
    match kind {
        0 => endpoint.clone().with_auth(Auth::basic("jo", &format!("{MARKER}-password"))),
        1 => endpoint.clone().with_auth(Auth::Bearer(secret)),
        2 => endpoint.clone().with_auth(Auth::ApiKey(secret)),
        3 => endpoint.clone().with_auth(oidc()),
        _ => {
            let url = endpoint.base().replace("http://", &format!("http://jo:{MARKER}%2Fpassword@"));
            Endpoint::new(&format!("{url}/?token={MARKER}")).unwrap()
        }
    }
}

fn taint_all(config: &mut ClusterConfig, kind: usize) {
    config.zeebe = tainted(kind, &config.zeebe);
    let optional = [
        &mut config.rest,
        &mut config.operate,
        &mut config.tasklist,
        &mut config.webapps,
        &mut config.optimize,
        &mut config.store,
    ];
    for endpoint in optional.into_iter().flatten().chain(config.brokers.values_mut()) {
        *endpoint = tainted(kind, endpoint);
    }
}

struct Case {
    simulated: SimulatedCluster,
    transport: Arc<Talkative>,
    config: ClusterConfig,
    output: Output,
}

impl Case {
    async fn new(version: &str, kind: usize, output: Output) -> Self {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let mut config = simulated.config().unwrap();
        taint_all(&mut config, kind);
        let (repeats, authorized) = (AtomicBool::new(false), AtomicUsize::new(0));
        let transport = Arc::new(Talkative { real: simulated.clone(), repeats, authorized });
        output.debug(&config);
        Self { simulated, transport, config, output }
    }

    fn connect_options(&self) -> ConnectOptions {
        let mut parts = self.simulated.connect_options();
        parts.transport = Some(self.transport.clone());
        parts
    }

    async fn connect(&self) -> Cluster {
        let cluster = Cluster::connect_with(self.config.clone(), self.connect_options()).await.unwrap();
        self.output.debug(&cluster);
        self.output.debug(cluster.facts());
        self.output.json(cluster.facts());
        cluster
    }

    /// A run with its events; what it returns is printed.
    async fn run(&self) -> Option<Report> {
        let cluster = self.connect().await;
        let planned = plan(&cluster);
        self.output.add(&planned);
        self.output.json(&planned);
        let run = cluster.start(planned).await;
        let (mut events, output) = (run.events(), self.output.clone());
        let listener = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                output.add(&event);
                output.json(&event);
            }
        });
        self.output.debug(&run);
        let ended = run.finished().await;
        listener.await.unwrap();
        match ended {
            Ok(report) => {
                self.output.report(&report);
                Some(report)
            }
            Err(failure) => {
                self.output.failure(&failure);
                failure.report.map(|report| *report)
            }
        }
    }

    async fn journal(&self) -> String {
        let journal = self.simulated.journal();
        let mut text = String::new();
        for key in journal.list("").await.unwrap() {
            text.push_str(key.as_str());
            text.push_str(&String::from_utf8_lossy(&journal.read(&key).await.unwrap()));
        }
        text
    }
}

async fn everything(case: &Case) {
    // A good run; then one in which a proxy repeats what it was sent, and the deletes are answered like that too.
    assert!(case.run().await.unwrap().errors.is_empty());
    case.transport.repeats.store(true, Ordering::SeqCst);
    let failed = case.run().await.unwrap();
    assert!(!failed.errors.is_empty());
    let cluster = case.connect().await;
    case.output.add(&cluster.abandon(failed.id.unwrap()).await.unwrap());
    case.transport.repeats.store(false, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await; // virtual time
    case.output.add(&cluster.abandon(failed.id.unwrap()).await.unwrap());
    // A run that is left in the pause, with nobody to resume: NeedsOperator with curl lines, then a good recovery.
    for part in ["/exporting/resume", "/v2/exporting", "/resumeExporting"] {
        case.simulated.inject(Rule::when(
            move |request| request.line.starts_with("POST ") && request.line.contains(part),
            Fault::Status(500),
        ));
    }
    let planned = plan(&cluster);
    let run = cluster.start(planned).await;
    until("paused or over", || is_paused(&case.simulated) || run_is_over(&case.simulated)).await;
    run.cancel();
    let failure = run.finished().await.unwrap_err();
    case.output.failure(&failure);
    match camunda_backup::recover(case.config.clone(), case.connect_options()).await {
        Ok(report) => case.output.add(&report),
        Err(error) => case.output.error(&error),
    }
    case.simulated.heal();
    case.output.add(&camunda_backup::recover(case.config.clone(), case.connect_options()).await.unwrap());
    crate::world::assert_running(&case.simulated);
}

/// 8.10 over REST pauses with a request that the faults above meet as well.
fn run_is_over(simulated: &SimulatedCluster) -> bool {
    simulated
        .requests()
        .iter()
        .any(|request| request.line.contains("/v2/exporting") && request.fault.is_some())
}

#[tokio::test(start_paused = true)]
async fn no_credential_is_ever_shown() {
    // With only one dispatcher in the process a thread without one would switch call sites off for all.
    let second =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(io::sink).finish();
    let _second = tracing::Dispatch::new(second);
    for (version, kinds) in [("8.6.0", &[0, 1, 2, 3, 4][..]), ("8.10.0", &[3, 4][..])] {
        for &kind in kinds {
            let output = Output::default();
            let log = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
                .with_writer(output.clone())
                .finish();
            let guard = tracing::subscriber::set_default(log);
            let case = Case::new(version, kind, output.clone()).await;
            Box::pin(everything(&case)).await;
            drop(guard);
            assert!(
                case.transport.authorized.load(Ordering::SeqCst) > 100,
                "the credentials are really sent"
            );
            let (printed, journal) = (output.text(), case.journal().await);
            let logged = printed.contains("zeebe.exporting.pause") && printed.contains("INFO");
            assert!(logged, "{version}, kind {kind}: requests were not logged");
            assert!(
                printed.contains("curl") && printed.contains("cannot handle"),
                "the proxy's words are shown"
            );
            assert!(
                journal.contains("soft-pause") || journal.contains("ExportingPaused"),
                "the journal was read"
            );
            assert_clean(&format!("{version}, kind {kind}: what is printed"), &printed);
            assert_clean(&format!("{version}, kind {kind}: the journal"), &journal);
        }
    }
}

#[test]
fn the_check_sees_the_marker_in_every_form() {
    for text in [MARKER.to_owned(), format!("x{}", MARKER.to_uppercase()), "am86VEFJTlQtN2YzYTlj".to_owned()]
    {
        assert!(std::panic::catch_unwind(|| assert_clean("this", &text)).is_err(), "{text}");
    }
}
