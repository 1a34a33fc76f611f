//! The set-up that the procedure tests share: a simulated cluster, hooks into its traffic, and what must be true after
//! every run.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, SeenRequest, SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::zeebe::testing::{PauseKind, Phase};
use camunda_backup::{
    BackupId, BackupSpec, Cluster, ClusterConfig, Error, Failure, Finding, FindingCode, Limits, Plan, Report,
    RunOutcome,
};
use serde_json::{Value, json};

/// The repository that the simulated applications are configured with.
pub(crate) const REPOSITORY: &str = "backups";

/// A cluster with ten seconds of data in it.
pub(crate) async fn world(version: &str, store: StoreKind) -> SimulatedCluster {
    tuned(version, store, |_| {}).await
}

/// 8.6.0 on Elasticsearch 8: order (B), with every witness.
pub(crate) async fn eight_six() -> SimulatedCluster {
    world("8.6.0", StoreKind::Elasticsearch8).await
}

/// Like [`world`], built to order.
pub(crate) async fn tuned(
    version: &str,
    store: StoreKind,
    tune: impl FnOnce(&mut SimulationOptions),
) -> SimulatedCluster {
    let mut options = SimulationOptions::new(version.parse().unwrap(), store);
    tune(&mut options);
    let simulated = SimulatedCluster::with(options);
    tokio::time::sleep(Duration::from_secs(10)).await; // virtual time: some data comes into being
    simulated
}

/// A connection with the cluster's own configuration.
pub(crate) async fn connect(simulated: &SimulatedCluster) -> Cluster {
    connect_with(simulated, |_| {}).await.unwrap()
}

/// A connection with a configuration that was changed.
pub(crate) async fn connect_with(
    simulated: &SimulatedCluster,
    change: impl FnOnce(&mut ClusterConfig),
) -> Result<Cluster, Error> {
    let mut config = simulated.config().unwrap();
    change(&mut config);
    Cluster::connect_with(config, simulated.connect_options()).await
}

/// A spec with other limits.
pub(crate) fn limited(change: impl FnOnce(&mut Limits)) -> BackupSpec {
    let mut spec = BackupSpec::default();
    change(&mut spec.limits);
    spec
}

/// A spec that overrides blockers by name.
pub(crate) fn overriding(codes: &[FindingCode]) -> BackupSpec {
    let mut spec = BackupSpec::default();
    spec.overrides = codes.iter().copied().collect();
    spec
}

/// A spec with an id.
pub(crate) fn under_id(id: i64) -> BackupSpec {
    let mut spec = BackupSpec::default();
    spec.id = Some(BackupId::new(id).unwrap());
    spec
}

/// Connect, plan, run.
pub(crate) async fn backup(simulated: &SimulatedCluster) -> Result<Report, Failure> {
    backup_as(simulated, BackupSpec::default()).await
}

/// Connect, plan to order, run.
pub(crate) async fn backup_as(simulated: &SimulatedCluster, spec: BackupSpec) -> Result<Report, Failure> {
    let cluster = connect(simulated).await;
    let plan = cluster.plan_backup(spec)?;
    cluster.run(plan).await
}

/// The plan, which must be possible.
pub(crate) fn plan(cluster: &Cluster) -> Plan {
    cluster.plan_backup(BackupSpec::default()).unwrap_or_else(|error| panic!("{}", error.report()))
}

/// All findings of a plan, blockers included.
pub(crate) fn findings(cluster: &Cluster) -> Vec<Finding> {
    cluster.preflight(&BackupSpec::default(), BackupId::new(9_999_999_999_999).unwrap())
}

/// The report of a run that must have completed, consistent in its data too.
pub(crate) fn completed(simulated: &SimulatedCluster, ended: Result<Report, Failure>) -> Report {
    let report = ended.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(report.outcome, RunOutcome::Completed, "{report}");
    let found = simulated.check(report.id.unwrap());
    assert!(found.is_consistent(), "{found:?}");
    assert_running(simulated);
    report
}

/// The first error and the report of a run that must not have completed.
pub(crate) fn failed(ended: Result<Report, Failure>) -> (Error, Report) {
    let Err(failure) = ended else { panic!("it must not complete: {}", ended.unwrap()) };
    let Failure { error, report, .. } = failure;
    let report = report.unwrap_or_else(|| panic!("there must be a report: {}", error.report()));
    assert_ne!(report.outcome, RunOutcome::Completed, "{report}");
    assert!(error.component().is_some(), "an error names its component: {error}");
    assert!(error.advice().is_some_and(|advice| advice.len() > 10), "an error says what to do: {error}");
    (error, *report)
}

/// Waits in simulated time until something is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..200_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await; // virtual time: the pace of a bounded wait
    }
    panic!("never happened: {what}");
}

/// Does something just before the first request of an operation takes effect, from now on.
pub(crate) fn just_before(
    simulated: &SimulatedCluster,
    operation: &'static str,
    act: impl Fn(&SimulatedCluster) + Send + Sync + 'static,
) {
    let (cluster, done) = (simulated.clone(), AtomicBool::new(false));
    let hook = move |request: &SeenRequest| {
        if request.operation == operation && !done.swap(true, Ordering::SeqCst) {
            act(&cluster);
        }
        false
    };
    simulated.inject(Rule::when(hook, Fault::Refuse));
}

/// The requests of an operation since the recording began.
pub(crate) fn sent(simulated: &SimulatedCluster, operation: &str) -> Vec<SeenRequest> {
    simulated.requests().into_iter().filter(|request| request.operation == operation).collect()
}

/// Every request that changes something, by operation, in order.
pub(crate) fn changes(simulated: &SimulatedCluster) -> Vec<&'static str> {
    let reads = ["store.repositories.verify", "store.refresh", "store.max_by_group"];
    let changing = simulated.requests().into_iter().filter(|request| !request.line.starts_with("GET "));
    changing.map(|request| request.operation).filter(|operation| !reads.contains(operation)).collect()
}

/// Whether every replica of every partition exports.
pub(crate) fn is_running(simulated: &SimulatedCluster) -> bool {
    simulated.camunda().phases().values().all(|phase| *phase == Phase::Exporting)
}

/// I1: every replica exports.
pub(crate) fn assert_running(simulated: &SimulatedCluster) {
    assert!(is_running(simulated), "{:?}", simulated.camunda().phases());
}

/// Whether every replica is paused.
pub(crate) fn is_paused(simulated: &SimulatedCluster) -> bool {
    let phases = simulated.camunda().phases();
    phases.values().all(|phase| matches!(phase, Phase::Paused | Phase::SoftPaused))
}

/// The longest time that a replica was paused; up to now if it still is.
pub(crate) fn longest_pause(simulated: &SimulatedCluster) -> Duration {
    let mut since = BTreeMap::new();
    let mut longest = Duration::ZERO;
    for event in simulated.camunda().pause_history() {
        if matches!(event.what, PauseKind::Soft | PauseKind::Hard) {
            since.entry(event.replica).or_insert(event.at);
        } else if let Some(began) = since.remove(&event.replica) {
            longest = longest.max(event.at.saturating_sub(began));
        }
    }
    let now = simulated.clock().elapsed();
    since.into_values().map(|began| now.saturating_sub(began)).fold(longest, Duration::max)
}

/// I1 and I8: exporting runs again, and no replica was paused for longer than `bound`.
pub(crate) fn assert_resumed_within(simulated: &SimulatedCluster, bound: Duration) {
    assert_running(simulated);
    assert!(!longest_pause(simulated).is_zero(), "nothing was ever paused");
    let longest = longest_pause(simulated);
    assert!(longest <= bound, "paused for {longest:?}, at most {bound:?} is allowed");
}

/// Things of other people with names that look like ours: a whole backup under a lower id, and one snapshot more.
pub(crate) async fn add_foreign(simulated: &SimulatedCluster) {
    let version = "8.6.0";
    let parts = |app: &str, id: i64| {
        (1..=2).map(move |part| (format!("camunda_{app}_{id}_{version}_part_{part}_of_2"), part)).collect()
    };
    for (app, id) in [("operate", 7_i64), ("tasklist", 7), ("optimize", 7)] {
        let names: Vec<(String, i32)> = parts(app, id);
        for (name, part) in names {
            let metadata = json!({"backupId": id, "version": version, "partNo": part, "partCount": 2});
            snapshot(simulated, &name, metadata);
        }
    }
    snapshot(simulated, "camunda_zeebe_records_backup_7", Value::Null);
    snapshot(simulated, "somebodys_nightly", Value::Null);
    simulated.camunda().add_foreign_backup(7);
    tokio::time::sleep(Duration::from_secs(60)).await; // virtual time
}

/// A snapshot that somebody else made.
pub(crate) fn snapshot(simulated: &SimulatedCluster, name: &str, metadata: Value) {
    let nothing = ["-*".to_owned()];
    simulated.store().start_snapshot(REPOSITORY, name, &nothing, metadata, false).unwrap();
}

/// Everything that a backup can leave somewhere: snapshots, and `zeebe <id>` for Zeebe's own backups.
pub(crate) fn artifacts(simulated: &SimulatedCluster) -> BTreeSet<String> {
    let snapshots = simulated.store().snapshots(REPOSITORY).into_iter().map(|snapshot| snapshot.name);
    let zeebe = simulated.camunda().backup_ids().into_iter().map(|id| format!("zeebe {id}"));
    snapshots.chain(zeebe).collect()
}

/// D34, D14, I5: the report lists what the run left behind, and `abandon` deletes exactly that.
pub(crate) async fn assert_abandonable(
    simulated: &SimulatedCluster,
    report: &Report,
    foreign: &BTreeSet<String>,
) {
    let id = report.id.unwrap().to_string();
    let ours: BTreeSet<String> = artifacts(simulated).difference(foreign).cloned().collect();
    assert!(ours.iter().all(|name| name.contains(&id)), "{ours:?}");
    for name in &ours {
        assert!(is_listed(report, name), "{name} is not listed: {:?}", report.leftovers);
    }
    simulated.start_recording();
    let cluster = connect(simulated).await;
    let mut abandoned = cluster.abandon(report.id.unwrap()).await.unwrap();
    // Applications go on with parts that nobody wants any more.
    for _ in 0..3 {
        if abandoned.remaining.iter().any(|why| why.contains("abandon again in a minute")) {
            a_minute_later(simulated).await;
            abandoned = cluster.abandon(report.id.unwrap()).await.unwrap();
        }
    }
    assert_eq!(abandoned.remaining, Vec::<String>::new());
    assert_eq!(&artifacts(simulated), foreign, "abandon deletes everything of ours and nothing else");
    for request in simulated.requests().iter().filter(|request| request.line.starts_with("DELETE ")) {
        assert!(!request.line.contains('*') && request.line.contains(&id), "{}", request.line);
    }
}

/// A minute in which the applications do what they have to do: the simulation goes on when it is looked at.
pub(crate) async fn a_minute_later(simulated: &SimulatedCluster) {
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(1)).await; // virtual time
        simulated.camunda().tick();
    }
}

fn is_listed(report: &Report, artifact: &str) -> bool {
    report.leftovers.iter().any(|leftover| {
        let prefix = leftover.what.strip_prefix("parts ").and_then(|what| what.strip_suffix('*'));
        let exact = [format!("snapshot {artifact}"), artifact.replace("zeebe ", "Zeebe backup ")];
        exact.contains(&leftover.what) || prefix.is_some_and(|prefix| artifact.starts_with(prefix))
    })
}
