//! Brokers that nobody looks at: forgotten in the configuration, joined meanwhile, back at the wrong moment, or silent.

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, SimulationOptions, StoreKind};
use camunda_backup::{BackupSpec, ErrorKind, FindingCode, Verdict, recover};

use super::{Duration, MINUTE, broker, die_paused};
use crate::world::{
    assert_running, completed, connect, connect_with, eight_six, failed, findings, is_paused, is_running,
    just_before, overriding, plan, sent, tuned, until,
};

fn three_brokers(options: &mut SimulationOptions) {
    (options.camunda.brokers, options.camunda.replication, options.camunda.partitions) = (3, 3, 2);
}

async fn three(version: &str) -> SimulatedCluster {
    tuned(version, StoreKind::Elasticsearch8, three_brokers).await
}

#[tokio::test(start_paused = true)]
async fn a_broker_without_an_address_is_neither_proven_nor_forgiven() {
    for version in ["8.1.27", "8.2.27", "8.3.11", "8.4.7", "8.5.8", "8.6.0", "8.8.0"] {
        let simulated = three(version).await;
        let forgetful = async || {
            connect_with(&simulated, |config| {
                (config.rest, config.cluster_size) = (None, None);
                config.brokers.remove(&broker(2));
            })
            .await
            .unwrap()
        };
        let cluster = forgetful().await;
        assert!(findings(&cluster).iter().any(|f| f.code == FindingCode::ExportingUnknown), "{version}");
        let report = completed(&simulated, cluster.run(plan(&cluster)).await);
        assert_eq!(report.verdict, Verdict::Plausible, "{version}: {report}");

        tokio::time::sleep(MINUTE).await; // virtual time: the next id
        let cluster = forgetful().await;
        let run = cluster.start(plan(&cluster)).await;
        until("paused", || is_paused(&simulated)).await;
        simulated.camunda().kill_broker(&broker(2));
        let owing = match run.finished().await {
            Ok(report) => report.owing,
            Err(failure) => failure.report.unwrap().owing,
        };
        simulated.camunda().restart_broker(&broker(2));
        tokio::time::sleep(MINUTE).await; // virtual time: it is up and has its pause again
        assert!(owing || is_running(&simulated), "{version}: paused, and nobody owes");
        cluster.recover().await.unwrap();
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn the_size_of_the_cluster_makes_its_old_versions_provable() {
    for version in ["8.1.27", "8.2.27", "8.3.11"] {
        let simulated = three(version).await;
        let unknown = connect_with(&simulated, |config| config.cluster_size = None).await.unwrap();
        let report = completed(&simulated, unknown.run(plan(&unknown)).await);
        assert_eq!(report.verdict, Verdict::Plausible, "{version}");
        tokio::time::sleep(MINUTE).await; // virtual time: the next id
        let told = connect_with(&simulated, |config| config.cluster_size = Some(3)).await.unwrap();
        let report = completed(&simulated, told.run(plan(&told)).await);
        assert_eq!(report.verdict, Verdict::Proven, "{version}: {report}");
        let wrong = connect_with(&simulated, |config| config.cluster_size = Some(5)).await.unwrap();
        let error = wrong.plan_backup(BackupSpec::default()).unwrap_err();
        assert!(error.to_string().contains("3 brokers have an address, and the cluster has 5"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_paused_when_a_broker_has_joined_since_the_plan() {
    for rest in [true, false] {
        let simulated = eight_six().await;
        just_before(&simulated, "history.backups.create", |simulated| {
            drop(simulated.camunda().join_fresh_replica());
        });
        let cluster = connect_with(&simulated, |config| config.rest = config.rest.take().filter(|_| rest));
        let cluster = cluster.await.unwrap();
        let (error, report) = failed(cluster.run(plan(&cluster)).await);
        assert!(error.to_string().contains("have joined"), "{error}");
        assert_eq!((report.paused, report.owing), (None, false));
        assert!(sent(&simulated, "zeebe.exporting.pause").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_was_vouched_for_as_away_and_is_back_is_not_paused() {
    let simulated = three("8.6.0").await;
    simulated.camunda().kill_broker(&broker(2));
    tokio::time::sleep(MINUTE).await; // virtual time: everybody has noticed
    let cluster = connect_with(&simulated, |config| drop(config.brokers.remove(&broker(2)))).await.unwrap();
    let codes = [FindingCode::TopologyIncomplete, FindingCode::ComponentUnreachable];
    let Ok(planned) = cluster.plan_backup(overriding(&codes)) else { return };
    just_before(&simulated, "history.backups.create", |simulated| {
        simulated.camunda().restart_broker(&broker(2));
    });
    let run = cluster.start(planned).await;
    until("decided", || !is_running(&simulated) || simulated.camunda().pause_history().is_empty()).await;
    let ended = run.finished().await;
    let owing = ended.map_or_else(|failure| failure.report.unwrap().owing, |report| report.owing);
    assert!(owing || is_running(&simulated));
    cluster.recover().await.unwrap();
    assert_running(&simulated);
}

/// Up to 8.2 a follower shows no phase. It is down when it is resumed, and up when it is looked at.
#[tokio::test(start_paused = true)]
async fn a_follower_that_shows_nothing_is_resumed_by_name() {
    for version in ["8.1.27", "8.2.27", "8.3.11"] {
        let simulated = three(version).await;
        let cluster = connect(&simulated).await;
        let run = cluster.start(plan(&cluster)).await;
        until("paused", || is_paused(&simulated)).await;
        simulated.camunda().kill_broker(&broker(2));
        simulated.inject(Rule::operation("zeebe.exporting.resume", Fault::Hang).unwrap().times(1));
        let back = simulated.clone();
        tokio::spawn(async move {
            until("resume", || !sent(&back, "zeebe.exporting.resume").is_empty()).await;
            tokio::time::sleep(Duration::from_secs(15)).await; // virtual time: the resume was refused meanwhile
            back.camunda().restart_broker(&broker(2));
        });
        drop(run.finished().await);
        tokio::time::sleep(MINUTE).await; // virtual time: whatever is under way has ended
        drop(cluster.recover().await.unwrap());
        assert_running(&simulated);
    }
}

/// A gateway that has just started accepts the resume and knows only the leaders.
#[tokio::test(start_paused = true)]
async fn followers_that_show_nothing_are_each_asked_although_the_gateway_is_content() {
    for version in ["8.1.27", "8.2.27"] {
        let simulated = three(version).await;
        let cluster = connect(&simulated).await;
        completed(&simulated, cluster.run(plan(&cluster)).await);
        let asked: Vec<_> = sent(&simulated, "broker.partitions.resume-exporting");
        assert_eq!(asked.len(), 3, "{version}");
    }
}

/// A broker that is starting answers success and has resumed nothing.
#[tokio::test(start_paused = true)]
async fn a_broker_that_is_starting_has_not_resumed_its_silent_followers() {
    for version in ["8.1.27", "8.2.27"] {
        let simulated = three(version).await;
        let cluster = connect(&simulated).await;
        let run = cluster.start(plan(&cluster)).await;
        until("paused", || is_paused(&simulated)).await;
        simulated.camunda().kill_broker(&broker(2));
        just_before(&simulated, "zeebe.exporting.resume", |simulated| {
            simulated.camunda().restart_broker(&broker(2));
        });
        let ended = run.finished().await;
        let owing = ended.map_or_else(|failure| failure.report.unwrap().owing, |report| report.owing);
        tokio::time::sleep(MINUTE).await; // virtual time: it is up and has its pause, if it still has one
        assert!(owing || is_running(&simulated), "{version}: paused, and nobody owes");
        cluster.recover().await.unwrap();
        assert_running(&simulated);
    }
}

/// Up to 8.5 a gateway that has just started accepts a resume and does nothing.
#[tokio::test(start_paused = true)]
async fn a_recovery_that_can_ask_nobody_does_not_believe_a_gateway_that_has_just_started() {
    for version in ["8.2.27", "8.3.11", "8.4.9", "8.5.8", "8.6.0"] {
        let simulated = three(version).await;
        die_paused(&simulated, simulated.config().unwrap()).await;
        let mut blind = simulated.config().unwrap();
        (blind.rest, blind.cluster_size) = (None, None);
        blind.brokers.clear();
        simulated.camunda().restart_gateway();
        let recovered = recover(blind, simulated.connect_options()).await.unwrap();
        assert_eq!(recovered.runs[0].paid.len(), 1, "{version}: {recovered}");
        assert_running(&simulated);
    }
}

#[tokio::test(start_paused = true)]
async fn two_addresses_of_one_broker_are_not_two_witnesses_of_a_recovery() {
    let simulated = eight_six().await;
    die_paused(&simulated, simulated.config().unwrap()).await;
    simulated.camunda().kill_broker(&broker(1));
    let mut twins = simulated.config().unwrap();
    let one = twins.brokers[&broker(0)].clone();
    twins.brokers.insert(broker(1), one);
    let error = recover(twins, simulated.connect_options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsOperator, "{error}");
    simulated.camunda().restart_broker(&broker(1));
    tokio::time::sleep(MINUTE).await; // virtual time: it is up and has its pause again
    assert_eq!(connect(&simulated).await.recover().await.unwrap().runs[0].paid.len(), 1);
    assert_running(&simulated);
}
