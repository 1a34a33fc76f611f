//! What accepts and never answers while exporting is paused, one thing after the other: how long the pause lasts then.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, StoreKind};
use camunda_backup::{BackupSpec, Cluster, Component, ErrorKind, Failure, Journal};

use crate::slow_disk::SlowDisk;
use crate::world::{
    assert_running, backup, completed, connect, is_paused, limited, longest_pause, plan, world,
};

const SECOND: Duration = Duration::from_secs(1);
const CLUSTERS: [(&str, StoreKind); 4] = [
    ("8.1.0", StoreKind::Elasticsearch7),
    ("8.6.0", StoreKind::Elasticsearch8),
    ("8.8.0", StoreKind::OpenSearch2),
    ("8.9.0", StoreKind::Elasticsearch8),
];

async fn on_slow_disk(
    simulated: &SimulatedCluster,
    each: Duration,
    healthy: usize,
    spec: BackupSpec,
) -> Option<Failure> {
    let mut options = simulated.connect_options();
    let disk: Arc<dyn Journal> = Arc::new(simulated.journal());
    options.journal = Some(Arc::new(SlowDisk::new(disk, each, healthy)));
    let cluster = Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap();
    cluster.run(cluster.plan_backup(spec).unwrap()).await.err()
}

/// How long exporting is paused when nothing is wrong, and how many records the run writes.
async fn healthy(version: &str, store: StoreKind) -> (Duration, usize) {
    let simulated = world(version, store).await;
    let before = simulated.journal().puts();
    completed(&simulated, backup(&simulated).await);
    (longest_pause(&simulated), usize::try_from(simulated.journal().puts() - before).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_hangs_after_any_record_costs_seconds_of_the_pause() {
    for (version, store) in CLUSTERS {
        let (usual, records) = healthy(version, store).await;
        for healthy in 1..records {
            let simulated = world(version, store).await;
            let failure = on_slow_disk(&simulated, Duration::ZERO, healthy, BackupSpec::default()).await;
            let paused = longest_pause(&simulated);
            assert!(
                paused <= usual + 8 * SECOND,
                "{version}, after {healthy}: {paused:?}, usually {usual:?}"
            );
            assert_running(&simulated);
            if let Some(Failure { error, .. }) = failure {
                assert_eq!(
                    error.kind(),
                    ErrorKind::Journal,
                    "{version}, after {healthy}: {}",
                    error.report()
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bounded_pause_stays_bounded_with_a_journal_that_hangs() {
    let (_, records) = healthy("8.6.0", StoreKind::Elasticsearch8).await;
    for healthy in 1..records {
        let simulated = world("8.6.0", StoreKind::Elasticsearch8).await;
        let spec = limited(|limits| limits.max_pause = 20 * SECOND);
        on_slow_disk(&simulated, Duration::ZERO, healthy, spec).await;
        let paused = longest_pause(&simulated);
        assert!(paused <= 28 * SECOND, "after {healthy}: {paused:?}");
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_slow_for_every_record_costs_seconds_of_the_pause() {
    for (version, store) in CLUSTERS {
        let (usual, _) = healthy(version, store).await;
        let simulated = world(version, store).await;
        let failure = on_slow_disk(&simulated, 3 * SECOND, usize::MAX, BackupSpec::default()).await.unwrap();
        assert_eq!(failure.error.kind(), ErrorKind::Journal, "{failure}");
        let paused = longest_pause(&simulated);
        assert!(paused <= usual + 12 * SECOND, "{version}: {paused:?}, usually {usual:?}");
        // What could not be noted in time was noted afterwards.
        let recovered = connect(&simulated).await.recover().await.unwrap();
        assert!(recovered.is_clean(), "{recovered}");
        let slow =
            on_slow_disk(&world(version, store).await, SECOND / 2, usize::MAX, BackupSpec::default()).await;
        assert!(slow.is_none(), "{version}: a disk that takes half a second is good enough: {slow:?}");
    }
}

/// The operations that are used while exporting is paused.
async fn used_in_the_pause(version: &str, store: StoreKind) -> BTreeSet<&'static str> {
    let simulated = world(version, store).await;
    let cluster = connect(&simulated).await;
    simulated.start_recording();
    let (watched, used) = (simulated.clone(), Arc::new(std::sync::Mutex::new(BTreeSet::new())));
    let noted = Arc::clone(&used);
    simulated.inject(Rule::when(
        move |request| {
            if is_paused(&watched) {
                noted.lock().unwrap().insert(request.operation);
            }
            false
        },
        Fault::Hang,
    ));
    completed(&simulated, cluster.run(plan(&cluster)).await);
    used.lock().unwrap().clone()
}

/// Hangs what the condition picks from the moment on when exporting is paused, and gives the time that it stays so.
async fn paused_when_hanging(
    (version, store): (&str, StoreKind),
    hangs: impl Fn(&Component, &str) -> bool + Send + Sync + 'static,
) -> Duration {
    let simulated = world(version, store).await;
    let cluster = connect(&simulated).await;
    let watched = simulated.clone();
    let from_the_pause_on = std::sync::atomic::AtomicBool::new(false);
    simulated.inject(Rule::when(
        move |request| {
            from_the_pause_on.fetch_or(is_paused(&watched), Ordering::SeqCst)
                && hangs(&request.component, request.operation)
        },
        Fault::Hang,
    ));
    drop(cluster.run(plan(&cluster)).await);
    longest_pause(&simulated)
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_never_answered_does_not_keep_exporting_paused_for_minutes() {
    for (version, store) in CLUSTERS {
        let (usual, _) = healthy(version, store).await;
        let operations = used_in_the_pause(version, store).await;
        assert!(operations.len() > 6, "{version}: {operations:?}");
        for hanging in operations {
            let paused =
                paused_when_hanging((version, store), move |_, operation| operation == hanging).await;
            assert!(paused <= usual + 100 * SECOND, "{version}, {hanging}: {paused:?}, usually {usual:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_never_heard_of_again_ends_the_pause_within_a_minute() {
    for (version, store) in CLUSTERS {
        let (usual, _) = healthy(version, store).await;
        let paused =
            paused_when_hanging((version, store), |component, _| *component == Component::Store).await;
        assert!(paused <= usual + 60 * SECOND, "{version}: {paused:?}, usually {usual:?}");
    }
}
