//! I10 and drift: one run per cluster, and only on the cluster that was planned with.

use camunda_backup::testing::{SimulatedProcess, StoreKind};
use camunda_backup::{BackupSpec, Cluster, Component, ErrorKind};

use crate::world::{
    assert_running, backup, completed, connect, connect_with, eight_six, is_paused, plan, sent, until, world,
};

#[tokio::test(start_paused = true)]
async fn a_second_run_is_refused_with_the_name_of_the_holder() {
    for other_process in [false, true] {
        let simulated = eight_six().await;
        let cluster = connect(&simulated).await;
        let second = if other_process {
            let process = SimulatedProcess::immortal(&simulated);
            Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap()
        } else {
            cluster.clone()
        };
        let run = cluster.start(plan(&cluster)).await;
        until("paused", || is_paused(&simulated)).await;
        let posts = simulated.camunda().backup_posts();
        let failure = second.run(plan(&second)).await.unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::Claimed, "{failure}");
        let words = failure.error.to_string();
        assert!(
            words.contains("already claimed by") && words.contains(&std::process::id().to_string()),
            "{words}"
        );
        assert!(words.contains("camunda-backup"), "the holder's name: {words}");
        let id = camunda_backup::BackupId::new(1).unwrap();
        assert_eq!(
            second.recover().await.unwrap_err().kind(),
            ErrorKind::Claimed,
            "a living run is not disturbed"
        );
        assert_eq!(second.abandon(id).await.unwrap_err().kind(), ErrorKind::Claimed);
        assert!(is_paused(&simulated) && simulated.camunda().backup_posts() == posts);
        completed(&simulated, run.finished().await);
        // Given back: now it is the other's turn.
        let second = connect(&simulated).await;
        completed(&simulated, second.run(plan(&second)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn two_clusters_in_one_process_do_not_meet() {
    let (one, two) = (eight_six().await, world("8.8.0", StoreKind::OpenSearch2).await);
    // One journal for both, as a service would have it.
    let mut parts = two.connect_options();
    parts.journal = one.connect_options().journal;
    let mut config = two.config().unwrap();
    config.name = "another".to_owned();
    let first = connect(&one).await;
    let second = Cluster::connect_with(config, parts).await.unwrap();
    let (a, b) = tokio::join!(first.run(plan(&first)), second.run(plan(&second)));
    completed(&one, a);
    completed(&two, b);
}

#[tokio::test(start_paused = true)]
async fn what_was_planned_for_another_version_or_topology_does_not_run() {
    type Change = fn(&camunda_backup::testing::SimulatedCluster);
    let changes: [(Change, &str); 3] = [
        (
            |simulated| {
                let newer: camunda_backup::CamundaVersion = "8.6.1".parse().unwrap();
                simulated.camunda().set_component_version(Component::Zeebe, newer);
            },
            "version was 8.6.0, is 8.6.1",
        ),
        (|simulated| drop(simulated.camunda().join_fresh_replica()), "brokers or replicas changed"),
        (|simulated| simulated.camunda().set_pending_change(true), "change-pending"),
    ];
    for (change, words) in changes {
        let simulated = eight_six().await;
        let cluster = connect(&simulated).await;
        let planned = plan(&cluster);
        change(&simulated);
        let failure = cluster.run(planned).await.unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::Blocked, "{failure}");
        assert!(failure.error.to_string().contains(words), "{failure}");
        assert!(failure.report.is_none() && sent(&simulated, "history.backups.create").is_empty());
        assert!(cluster.recover().await.unwrap().is_clean());
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_whose_id_was_taken_meanwhile_does_not_run() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    simulated.camunda().add_foreign_backup(planned.id().unwrap().value());
    let failure = cluster.run(planned).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Blocked, "{failure}");
    assert!(failure.error.to_string().contains("id-taken"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn one_plan_runs_once() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    completed(&simulated, cluster.run(planned.clone()).await);
    let failure = cluster.run(planned).await.unwrap_err();
    assert!(failure.error.to_string().contains("id-taken"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_survives_being_stored_as_json() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    let stored = serde_json::to_string(&planned).unwrap();
    let read: camunda_backup::Plan = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, planned);
    let report = completed(&simulated, cluster.run(read).await);
    let bundle = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<camunda_backup::Report>(&bundle).unwrap(), report);
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_another_cluster_does_not_run() {
    let (one, two) = (eight_six().await, eight_six().await);
    let first = connect(&one).await;
    let second = connect_with(&two, |config| config.name = "another".to_owned()).await.unwrap();
    let failure = second.run(plan(&first)).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Blocked, "{failure}");
    assert!(failure.error.to_string().contains("camunda") && failure.error.to_string().contains("another"));
    completed(&one, backup(&one).await);
    assert!(second.plan_backup(BackupSpec::default()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn two_clusters_that_plan_in_the_same_second_never_share_an_id() {
    let (one, two) = tokio::join!(eight_six(), eight_six());
    let mut parts = two.connect_options();
    parts.journal = one.connect_options().journal;
    let mut config = two.config().unwrap();
    config.name = "another".to_owned();
    let (first, second) = tokio::join!(connect(&one), Cluster::connect_with(config, parts));
    let second = second.unwrap();
    let (a, b) = (plan(&first), plan(&second));
    assert_eq!(a.id(), b.id(), "planned in the same second");
    two.start_recording();
    let (a, b) = tokio::join!(first.run(a), second.run(b));
    let (refused, other) = if a.is_err() { (a, b) } else { (b, a) };
    let failure = refused.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Blocked, "{failure}");
    assert!(failure.to_string().contains("taken by run") && failure.report.is_none(), "{failure}");
    let report = other.unwrap();
    // A new plan takes another id.
    let again = if report.cluster == "another" { &first } else { &second };
    let planned = plan(again);
    assert!(planned.id().unwrap() > report.id.unwrap());
    again.run(planned).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_plan_in_the_same_second_never_share_an_id() {
    let simulated = eight_six().await;
    let (first, second) = (connect(&simulated).await, connect(&simulated).await);
    let (a, b) = (plan(&first), plan(&second));
    assert_eq!(a.id(), b.id(), "planned in the same second");
    let id = a.id();
    let (a, b) = tokio::join!(first.run(a), second.run(b.clone()));
    assert_eq!(u32::from(a.is_ok()) + u32::from(b.is_ok()), 1, "at once, one has the claim");
    let late = second.run(plan(&first)).await;
    assert!(late.is_ok_and(|report| report.id > id));
}
