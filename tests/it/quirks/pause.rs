//! Q4–Q9, Q33, Q34: pausing, resuming, and seeing what exporting really does.

use std::time::Duration;

use camunda_backup::testing::{Fault, Rule, StoreKind};
use camunda_backup::zeebe::Dialect;
use camunda_backup::zeebe::testing::Phase;
use camunda_backup::{
    BackupSpec, BrokerId, Component, ConditionStatus, ErrorKind, FindingCode, RunOutcome, Verdict,
};

use crate::world::{
    assert_resumed_within, assert_running, backup, backup_as, completed, connect, eight_six, failed,
    findings, is_paused, is_running, just_before, limited, overriding, plan, sent, tuned, until, world,
};

const MINUTE: Duration = Duration::from_secs(60);

fn broker(id: u32) -> BrokerId {
    BrokerId::from(id)
}

#[tokio::test(start_paused = true)]
async fn q04_a_stack_trace_is_shortened_and_the_envelope_decides() {
    let simulated = eight_six().await;
    just_before(&simulated, "zeebe.exporting.pause", |simulated| simulated.camunda().kill_broker(&broker(1)));
    let spec = limited(|limits| limits.max_resume = MINUTE);
    let (error, report) = failed(backup_as(&simulated, spec).await);
    assert!(error.to_string().chars().count() < 800, "{error}");
    assert!(error.to_string().contains("Failed to connect channel for address broker-1"), "{error}");
    assert!(!report.errors.join("\n").contains("\tat "), "{:?}", report.errors);
}

#[tokio::test(start_paused = true)]
async fn q05_a_failed_pause_is_undone_broker_by_broker_and_the_debt_stays_until_the_dead_one_was_seen() {
    let simulated = eight_six().await;
    just_before(&simulated, "zeebe.exporting.pause", |simulated| simulated.camunda().kill_broker(&broker(1)));
    let cluster = connect(&simulated).await;
    let (_, report) = failed(cluster.run(plan(&cluster)).await);
    assert!(report.owing, "{report}");
    let owes = report.errors.iter().find(|error| error.contains("could not be seen running")).unwrap();
    assert!(
        owes.contains("curl") && owes.contains("/actuator/exporting/resume"),
        "the exact request: {owes}"
    );
    assert!(owes.contains("http://broker-1.sim:9600/actuator/partitions/resumeExporting"), "{owes}");
    let reachable = simulated.camunda().phases();
    assert!(
        reachable.iter().filter(|((id, _), _)| *id == broker(0)).all(|(_, phase)| *phase == Phase::Exporting)
    );

    // Nobody else begins while it is owed, whoever asks.
    simulated.camunda().restart_broker(&broker(1));
    tokio::time::sleep(Duration::from_secs(20)).await;
    let cluster = connect(&simulated).await;
    let refused = cluster.run(plan(&cluster)).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Blocked, "{refused}");
    assert!(refused.error.advice().unwrap().contains("recover()"), "{refused}");

    let recovered = cluster.recover().await.unwrap();
    assert_eq!(recovered.runs.len(), 1, "{recovered}");
    assert!(recovered.runs[0].paid[0].contains("resume exporting on 4 replicas"), "{recovered}");
    assert_running(&simulated);
    completed(&simulated, backup(&simulated).await);
}

#[tokio::test(start_paused = true)]
async fn q05_a_broker_that_dies_inside_the_pause_and_returns_is_waited_for() {
    let simulated = tuned("8.6.0", StoreKind::Elasticsearch8, |options| {
        (options.camunda.brokers, options.camunda.replication) = (3, 3);
    })
    .await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    until("paused", || is_paused(&simulated)).await;
    simulated.camunda().kill_broker(&broker(0));
    let back = simulated.clone();
    tokio::spawn(async move {
        tokio::time::sleep(5 * MINUTE).await;
        back.camunda().restart_broker(&broker(0));
    });
    let (_, report) = failed(run.finished().await);
    assert!(!report.owing && report.backup().unwrap().resumed_broker_by_broker, "{report}");
    assert_running(&simulated);
    assert!(cluster.recover().await.unwrap().is_clean());
}

#[tokio::test(start_paused = true)]
async fn q05_a_broker_that_dies_inside_the_pause_keeps_its_debt_until_recovery_saw_it() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let run =
        cluster.start(cluster.plan_backup(limited(|limits| limits.max_resume = 2 * MINUTE)).unwrap()).await;
    until("paused", || is_paused(&simulated)).await;
    simulated.camunda().kill_broker(&broker(1));
    let (_, report) = failed(run.finished().await);
    assert!(report.owing, "{report}");
    let failure = cluster.recover().await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::NeedsOperator);
    // The requests to send by hand are data, too: the gateway's, and each broker's own.
    let (lines, advice) = (failure.requests(), failure.advice().unwrap());
    assert!(failure.needs_operator() && lines.len() == 3, "{lines:?}");
    assert!(
        lines.iter().all(|line| line.starts_with("curl -X POST 'http://") && advice.contains(line)),
        "{lines:?}"
    );
    simulated.camunda().restart_broker(&broker(1));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!is_running(&simulated), "the marker file of the dead broker still pauses it");
    cluster.recover().await.unwrap();
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn q06_d04_somebody_elses_pause_is_refused_and_not_resumed() {
    for version in ["8.1.27", "8.5.0", "8.6.0", "8.8.0", "8.10.0"] {
        for soft in [true, false] {
            let simulated = world(version, StoreKind::Elasticsearch8).await;
            let early = connect(&simulated).await;
            let planned = plan(&early);
            simulated.camunda().foreign_pause(soft);
            simulated.start_recording();
            let error = connect(&simulated).await.plan_backup(BackupSpec::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Blocked);
            assert!(error.to_string().contains("exporting-paused"), "{version}: {error}");
            // It came after the plan was made.
            let failure = early.run(planned).await.unwrap_err();
            assert_eq!(failure.error.kind(), ErrorKind::Foreign, "{version}: {failure}");
            assert!(failure.error.to_string().contains("find out who paused it"), "{failure}");
            assert!(is_paused(&simulated), "not ours to resume");
            assert!(sent(&simulated, "zeebe.exporting.pause").is_empty());
            assert!(sent(&simulated, "zeebe.exporting.resume").is_empty());
            let recovered = early.recover().await.unwrap();
            assert!(recovered.runs.is_empty(), "nothing is owed: {recovered}");
            assert!(recovered.to_string().contains("PAUSED"), "and it is said: {recovered}");
            assert!(is_paused(&simulated));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q06_d04_a_foreign_pause_while_the_applications_are_backed_up_is_left_alone() {
    for soft in [true, false] {
        let simulated = eight_six().await;
        just_before(&simulated, "history.backups.create", move |simulated| {
            simulated.camunda().foreign_pause(soft);
        });
        let (error, report) = failed(backup(&simulated).await);
        assert_eq!(error.kind(), ErrorKind::Foreign, "{error}");
        assert!(is_paused(&simulated) && sent(&simulated, "zeebe.exporting.pause").is_empty());
        assert!(sent(&simulated, "zeebe.exporting.resume").is_empty());
        assert_eq!((report.paused, report.owing), (None, false));
    }
}

#[tokio::test(start_paused = true)]
async fn q07_soft_is_exactly_one_parameter_in_every_dialect() {
    for (version, dialect) in Dialect::all() {
        let simulated = world(&version.to_string(), StoreKind::Elasticsearch8).await;
        completed(&simulated, backup(&simulated).await);
        let pauses = sent(&simulated, "zeebe.exporting.pause");
        assert_eq!(pauses.len(), 1, "{version}");
        let line = &pauses[0].line;
        if dialect.speaks_rest() && simulated.config().unwrap().rest.is_some() {
            assert!(line.contains("/v2/"), "{version}: {line}");
        } else if dialect.soft_pause {
            assert!(line.ends_with("/pause?soft=true"), "{version}: {line}");
        } else {
            assert!(line.ends_with("/pause"), "{version}: {line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q08_a_pause_that_did_not_hold_everywhere_is_no_backup() {
    type Disturb = fn(&camunda_backup::testing::SimulatedCluster);
    let disturbances: [(Disturb, &str); 3] = [
        (|simulated| simulated.camunda().foreign_resume(), "did not hold"),
        (|simulated| simulated.camunda().lose_phase(&broker(1)), "did not hold everywhere"),
        (|simulated| drop(simulated.camunda().join_fresh_replica()), "replicas changed"),
    ];
    for (disturb, words) in disturbances {
        let simulated = eight_six().await;
        just_before(&simulated, "zeebe.backups.create", disturb);
        let (error, report) = failed(backup(&simulated).await);
        assert_eq!((error.kind(), report.outcome), (ErrorKind::Failed, RunOutcome::Failed), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(report.verdict, Verdict::Inconsistent);
        assert_resumed_within(&simulated, MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn q09_what_a_gateway_that_knows_nothing_says_is_no_evidence() {
    for version in ["8.4.9", "8.5.8", "8.6.0", "8.8.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        completed(&simulated, backup(&simulated).await);
        simulated.camunda().restart_gateway();
        let cluster = connect(&simulated).await;
        if let Ok(planned) = cluster.plan_backup(BackupSpec::default()) {
            // The journal and the brokers know more than the gateway.
            let highest = *simulated.camunda().backup_ids().iter().max().unwrap();
            assert!(planned.id().unwrap().value() > highest, "{version}: an empty list was believed");
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        completed(&simulated, backup(&simulated).await);
    }
}

#[tokio::test(start_paused = true)]
async fn q09_a_502_while_a_gateway_starts_is_asked_again() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    until("begun", || !simulated.camunda().backup_ids().is_empty()).await;
    simulated.camunda().restart_gateway();
    completed(&simulated, run.finished().await);
}

#[tokio::test(start_paused = true)]
async fn q33_a_resume_that_a_fresh_gateway_only_claims_is_repeated() {
    for (version, addresses) in [("8.4.9", true), ("8.5.8", true), ("8.5.8", false)] {
        let simulated =
            tuned(version, StoreKind::Elasticsearch8, |options| options.broker_addresses = addresses).await;
        just_before(&simulated, "zeebe.exporting.resume", |simulated| simulated.camunda().restart_gateway());
        let report = completed(&simulated, backup(&simulated).await);
        assert!(sent(&simulated, "zeebe.exporting.resume").len() > 1, "{version}");
        assert_eq!(report.verdict, if addresses { Verdict::Proven } else { Verdict::Plausible }, "{report}");
        assert_resumed_within(&simulated, MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn q33_without_broker_addresses_a_topology_that_gets_complete_between_resume_and_look_proves_nothing() {
    let simulated =
        tuned("8.5.8", StoreKind::Elasticsearch8, |options| options.broker_addresses = false).await;
    let hook = simulated.clone();
    // The gateway knows no partition for 6 s from its start: it still lies when the resume arrives, and is complete
    // when the look that follows does.
    let late = Rule::when(
        move |request| {
            let resume = request.operation == "zeebe.exporting.resume";
            if resume {
                hook.camunda().restart_gateway();
            }
            resume
        },
        Fault::Delay(Duration::from_millis(5997)),
    );
    simulated.inject(late.times(1));
    completed(&simulated, backup(&simulated).await);
    assert!(sent(&simulated, "zeebe.exporting.resume").len() > 1);
}

#[tokio::test(start_paused = true)]
async fn q33_a_pause_that_a_fresh_gateway_only_claims_is_no_pause() {
    for (version, addresses) in [("8.4.9", true), ("8.5.8", true), ("8.5.8", false)] {
        let simulated =
            tuned(version, StoreKind::Elasticsearch8, |options| options.broker_addresses = addresses).await;
        just_before(&simulated, "zeebe.exporting.pause", |simulated| simulated.camunda().restart_gateway());
        let (error, _) = failed(backup(&simulated).await);
        assert_eq!(error.kind(), ErrorKind::Failed, "{version}: {error}");
        assert!(sent(&simulated, "zeebe.backups.create").is_empty(), "{version}, brokers: {addresses}");
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn q34_where_soft_pause_is_unknown_the_plan_is_the_hard_one() {
    for version in ["8.1.27", "8.2.26", "8.3.10", "8.4.6", "8.5.0"] {
        let simulated = world(version, StoreKind::Elasticsearch8).await;
        let planned = plan(&connect(&simulated).await);
        assert_eq!(planned.backup().unwrap().order, camunda_backup::BackupOrder::HardPause);
        assert!(!planned.to_string().contains("soft=true"), "{planned}");
        completed(&simulated, backup(&simulated).await);
    }
}

#[tokio::test(start_paused = true)]
async fn q34_a_bare_204_to_a_soft_pause_means_hard_and_ends_the_run() {
    let simulated = world("8.5.0", StoreKind::Elasticsearch8).await;
    // The gateway is newer than the brokers, and what it forwards is not understood there.
    simulated.camunda().set_component_version(Component::Zeebe, "8.5.8".parse().unwrap());
    let cluster = connect(&simulated).await;
    assert!(findings(&cluster).iter().any(|finding| finding.code == FindingCode::VersionsDiffer));
    let planned = cluster.plan_backup(overriding(&[FindingCode::VersionsDiffer])).unwrap();
    let (error, _) = failed(cluster.run(planned).await);
    assert!(
        error.report().contains("bare 204") && error.report().contains("paused hard"),
        "{}",
        error.report()
    );
    assert_ne!(error.kind(), ErrorKind::Foreign, "we did that: {}", error.report());
    assert!(sent(&simulated, "zeebe.backups.create").is_empty());
    assert_resumed_within(&simulated, MINUTE);
}

#[tokio::test(start_paused = true)]
async fn without_broker_addresses_the_verdict_is_plausible_at_most() {
    for version in ["8.5.8", "8.6.0", "8.8.0"] {
        let simulated =
            tuned(version, StoreKind::Elasticsearch8, |options| options.broker_addresses = false).await;
        let report = completed(&simulated, backup(&simulated).await);
        assert_eq!(report.verdict, Verdict::Plausible, "{report}");
        assert!(report.to_string().contains("configure the brokers' addresses"), "{report}");
        assert!(report.findings.iter().any(|finding| finding.code == FindingCode::ExportingUnknown));
    }
}

/// The exporter's timed flush, with its interval as it is unless it is configured.
const FLUSH: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn q44_a_hard_pause_counts_when_the_exported_positions_stand_still() {
    for version in ["8.1.27", "8.2.26", "8.3.10", "8.4.6", "8.5.0"] {
        for flush in [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3), FLUSH] {
            let simulated = tuned(version, StoreKind::Elasticsearch8, |options| {
                options.camunda.exporter_flush = flush;
            })
            .await;
            simulated.start_recording();
            let report = completed(&simulated, backup(&simulated).await);
            assert_eq!(report.verdict, Verdict::Proven, "{version}, {flush:?}: {report}");
            // Waiting asks nobody: with two brokers it is a handful of looks, and each is two requests.
            let looks = sent(&simulated, "broker.partitions.statuses").len();
            assert!(looks < 40, "{version}, {flush:?}: {looks}");
            assert_resumed_within(&simulated, Duration::from_secs(25));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn q44_without_brokers_addresses_the_time_of_a_flush_is_waited_for() {
    let simulated = tuned("8.5.0", StoreKind::Elasticsearch8, |options| {
        options.camunda.exporter_flush = FLUSH;
        options.broker_addresses = false;
    })
    .await;
    let cluster = connect(&simulated).await;
    let report = completed(&simulated, cluster.run(plan(&cluster)).await);
    assert_eq!(report.verdict, Verdict::Plausible, "{report}");
}

/// A flush interval that is longer than anybody waits for: positions move while the parts are made.
#[tokio::test(start_paused = true)]
async fn q44_what_moves_afterwards_is_a_violation_all_the_same() {
    let simulated = tuned("8.4.6", StoreKind::Elasticsearch8, |options| {
        options.camunda.exporter_flush = Duration::from_secs(12);
        options.camunda.zeebe_backup_duration = Duration::from_secs(20);
    })
    .await;
    let (error, report) = failed(backup(&simulated).await);
    assert_eq!(report.verdict, Verdict::Inconsistent, "{report}");
    let t5 = report.conditions.iter().find(|condition| condition.number == "T5").unwrap();
    assert!(t5.standing == ConditionStatus::Violated && t5.reason.contains("moved from"), "{t5}");
    assert!(error.advice().unwrap().contains("flush"), "{}", error.report());
}

#[tokio::test(start_paused = true)]
async fn q45_a_position_that_a_restarted_broker_does_not_know_is_no_movement() {
    let simulated = tuned("8.6.0", StoreKind::Elasticsearch8, |options| {
        (options.camunda.brokers, options.camunda.partitions, options.camunda.replication) = (1, 1, 1);
        options.camunda.exporters_open_after = 10 * MINUTE;
        options.camunda.zeebe_backup_duration = Duration::from_secs(1);
    })
    .await;
    simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(30));
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    until("paused", || is_paused(&simulated)).await;
    simulated.camunda().restart_broker(&broker(0));
    let report = run.finished().await.unwrap_or_else(|failure| panic!("{failure}"));
    let t5 = report.conditions.iter().find(|condition| condition.number == "T5").unwrap();
    assert_eq!((t5.standing, report.verdict), (ConditionStatus::Unproven, Verdict::Plausible), "{report}");
    assert!(t5.reason.contains("not opened its exporters"), "{t5}");
}
