//! What keeps a pause short when something hangs: the journal's disk, a broker that answers nobody, a gateway that thinks.

use std::sync::Arc;
use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, SimulationOptions, StoreKind};
use camunda_backup::{BackupSpec, Cluster, ErrorKind, Failure, Journal, RunEventKind, RunOutcome};

use crate::slow_disk::SlowDisk;
use crate::world::{
    assert_resumed_within, assert_running, backup, completed, connect, eight_six, failed, is_paused, limited,
    plan, tuned, until,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_journal_that_hangs_at_any_record_does_not_keep_exporting_paused() {
    let simulated = eight_six().await;
    let before = simulated.journal().puts();
    completed(&simulated, backup(&simulated).await);
    let records = usize::try_from(simulated.journal().puts() - before).unwrap();
    assert!(records > 20, "{records}");
    for healthy in 1..records {
        let simulated = eight_six().await;
        let mut parts = simulated.connect_options();
        let disk: Arc<dyn Journal> = Arc::new(simulated.journal());
        parts.journal = Some(Arc::new(SlowDisk::new(disk, Duration::ZERO, healthy)));
        let cluster = Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
        let ended = tokio::time::timeout(60 * MINUTE, cluster.run(plan(&cluster))).await.expect("it ends");
        let Err(Failure { error, .. }) = ended else {
            assert!(healthy + 2 >= records, "only the stored report and releasing the claim may be lost");
            continue;
        };
        assert_eq!(error.kind(), ErrorKind::Journal, "hanging after {healthy}: {}", error.report());
        assert_running(&simulated);
        drop(cluster);
        connect(&simulated).await.recover().await.unwrap();
        assert!(connect(&simulated).await.recover().await.unwrap().is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_is_given_up_when_its_time_is_over_and_not_later() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let spec = limited(|limits| limits.max_resume = Duration::from_secs(20));
    let run = cluster.start(cluster.plan_backup(spec).unwrap()).await;
    let mut events = run.events();
    until("paused", || is_paused(&simulated)).await;
    run.cancel();
    simulated.inject(Rule::when(|request| request.operation.contains("resume"), Fault::Hang));
    let asked = tokio::time::Instant::now();
    let (_, report) = failed(run.finished().await);
    assert!(report.owing, "{report}");
    // What is under way when it is cancelled, and the 20 s.
    assert!(asked.elapsed() < Duration::from_secs(40), "{:?}", asked.elapsed());
    while events.next().await.is_some() {}
    simulated.heal();
    connect(&simulated).await.recover().await.unwrap();
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn while_a_gateway_thinks_about_a_resume_the_brokers_are_resumed_by_themselves() {
    let simulated = eight_six().await;
    simulated.inject(Rule::when(|request| request.operation == "zeebe.exporting.resume", Fault::Hang));
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    until("paused", || is_paused(&simulated)).await;
    until("resumed", || !is_paused(&simulated)).await;
    simulated.heal();
    let report = completed(&simulated, run.finished().await);
    assert!(report.backup().unwrap().resumed_broker_by_broker, "{report}");
    assert_resumed_within(&simulated, Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_broker_lost_before_the_pause_was_confirmed_does_not_cost_the_others_a_minute() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let spec = limited(|limits| limits.max_resume = 2 * MINUTE);
    let run = cluster.start(cluster.plan_backup(spec).unwrap()).await;
    until("paused", || is_paused(&simulated)).await;
    simulated.camunda().kill_broker(&camunda_backup::BrokerId::from(0));
    let lost = simulated.clock().elapsed();
    until("the other one is resumed", || {
        let phases = simulated.camunda().phases();
        phases.values().any(|phase| *phase == camunda_backup::zeebe::testing::Phase::Exporting)
    })
    .await;
    let waited = simulated.clock().elapsed().saturating_sub(lost);
    assert!(waited < Duration::from_secs(45), "{waited:?}");
    failed(run.finished().await);
}

#[tokio::test(start_paused = true)]
async fn news_is_told_when_it_is_news_and_every_few_seconds() {
    let slow = |options: &mut SimulationOptions| options.camunda.zeebe_backup_duration = 5 * MINUTE;
    let simulated = tuned("8.6.0", StoreKind::Elasticsearch8, slow).await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    let mut events = run.events();
    let told = tokio::spawn(async move {
        let mut told = 0;
        while let Some(event) = events.next().await {
            let about_zeebe =
                matches!(&event.kind, RunEventKind::Waiting { step, .. } if step == "back-up-zeebe");
            told += u32::from(about_zeebe);
        }
        told
    });
    completed(&simulated, run.finished().await);
    let told = told.await.unwrap();
    assert!((30..=75).contains(&told), "{told} times in five minutes");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_before_any_part_was_made_is_not_judged() {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("history.backups.create", Fault::Status(400)).unwrap());
    let cluster = connect(&simulated).await;
    let (_, report) = failed(cluster.run(cluster.plan_backup(BackupSpec::default()).unwrap()).await);
    assert_eq!(report.outcome, RunOutcome::Failed);
    let words = report.to_string();
    assert!(!report.is_whole() && words.contains("nothing to judge"), "{words}");
    assert!(!words.contains("VIOLATED") && !words.contains("INCONSISTENT"), "{words}");
}
