//! What a dead run owes when its journal, its cluster or its disk is not what it was.

use std::sync::Arc;

use camunda_backup::procedures::journal::{Key, Put, PutFault};
use camunda_backup::testing::{SimulatedCluster, SimulatedProcess};
use camunda_backup::{
    BackupId, Cluster, Endpoint, ErrorKind, Journal, MemoryJournal, RecoveredEnd, Result, RunOutcome, recover,
};

use super::{Duration, MINUTE, die_paused};
use crate::world::{
    a_minute_later, artifacts, assert_running, backup, completed, connect, connect_with, eight_six, failed,
    is_paused, plan, until,
};

async fn dead_and_paused() -> SimulatedCluster {
    let simulated = eight_six().await;
    die_paused(&simulated, simulated.config().unwrap()).await;
    simulated
}

async fn run_keys(simulated: &SimulatedCluster) -> Vec<Key> {
    simulated.journal().list("runs").await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_debt_of_one_cluster_is_not_paid_on_another() {
    let (ours, other) = (dead_and_paused().await, eight_six().await);
    let at_other = || {
        let mut config = other.config().unwrap();
        config.zeebe = Endpoint::new("http://other.sim:9600").unwrap();
        let mut parts = other.connect_options();
        parts.journal = Some(Arc::new(ours.journal()));
        (config, parts)
    };
    let (config, parts) = at_other();
    let error = recover(config, parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsOperator);
    assert!(
        error.to_string().contains("zeebe.sim:9600") && error.to_string().contains("other.sim"),
        "{error}"
    );
    assert!(is_paused(&ours), "nobody has talked to it");
    assert_eq!(recover(ours.config().unwrap(), ours.connect_options()).await.unwrap().runs.len(), 1);
    assert_running(&ours);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_has_moved_pays_its_old_debts() {
    let simulated = dead_and_paused().await;
    let mut config = simulated.config().unwrap();
    let old = std::mem::replace(&mut config.zeebe, config.brokers.values().next().unwrap().clone());
    let error = recover(config.clone(), simulated.connect_options()).await.unwrap_err();
    assert!(error.advice().unwrap().contains("CAMUNDA_ZEEBE_FORMER_URLS"), "{}", error.report());
    config.formerly = vec![old];
    assert_eq!(recover(config, simulated.connect_options()).await.unwrap().runs[0].paid.len(), 1);
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_which_nothing_can_be_read_owes() {
    let simulated = dead_and_paused().await;
    for key in run_keys(&simulated).await {
        assert!(simulated.journal().corrupt(&key, Vec::clear));
    }
    let error = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsOperator);
    assert!(error.advice().unwrap().contains("/actuator/partitions"), "{}", error.report());
    let refused = backup(&simulated).await.unwrap_err();
    assert!(matches!(refused.error.kind(), ErrorKind::NeedsOperator | ErrorKind::Blocked), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_run_without_its_plan_owes_what_its_intents_say() {
    let simulated = dead_and_paused().await;
    let first = run_keys(&simulated).await.remove(0);
    assert!(simulated.journal().corrupt(&first, |body| body.truncate(100)));
    let recovered = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert_eq!(recovered.runs[0].paid.len(), 1, "{recovered}");
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_plan_is_lost_and_its_next_record_damaged_owes() {
    let simulated = dead_and_paused().await;
    let keys = run_keys(&simulated).await;
    assert!(simulated.journal().lose(&keys[0]));
    for key in &keys[1..] {
        assert!(simulated.journal().corrupt(key, Vec::clear));
    }
    let error = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeedsOperator, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_torn_first_record_blocks_nothing() {
    let simulated = eight_six().await;
    let process = SimulatedProcess::dying_after_append(&simulated, 1);
    let cluster =
        Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    tokio::select! {
        _ = cluster.run(planned) => panic!("dead"),
        () = process.died() => {}
    }
    let keys = run_keys(&simulated).await;
    assert!(simulated.journal().corrupt(&keys[0], |body| body.truncate(100)));
    for _ in 0..2 {
        let recovered = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
        assert!(recovered.runs.iter().all(|run| run.end == RecoveredEnd::Died), "{recovered}");
        assert!(recovered.damage[0].contains("00000001.json"), "{recovered}");
    }
    completed(&simulated, backup(&simulated).await);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_newer_version_keeps_nobody_elses_debt_from_being_paid() {
    let simulated = eight_six().await;
    completed(&simulated, backup(&simulated).await);
    let last = run_keys(&simulated).await.pop().unwrap();
    tokio::time::sleep(MINUTE).await; // virtual time: the next run
    die_paused(&simulated, simulated.config().unwrap()).await;
    make_newer(&simulated, &last);
    let error = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_running(&simulated);
}

/// Its own, too: what this version understands of the run is done, and the rest is said.
#[tokio::test(start_paused = true)]
async fn a_record_of_a_newer_version_does_not_hide_the_intent_before_it() {
    let simulated = dead_and_paused().await;
    let last = run_keys(&simulated).await.pop().unwrap();
    make_newer(&simulated, &last);
    let error = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_running(&simulated);
    connect(&simulated).await;
}

fn make_newer(simulated: &SimulatedCluster, key: &Key) {
    assert!(simulated.journal().corrupt(key, |body| {
        let text = String::from_utf8(body.clone()).unwrap();
        let first = text.lines().next().unwrap().replacen("\"format\":1", "\"format\":2", 1) + "\n";
        *body = format!("{first}{{\"crc32\":\"{:08x}\"}}\n", crc32fast::hash(first.as_bytes())).into_bytes();
    }));
}

#[tokio::test(start_paused = true)]
async fn lost_claims_do_not_let_an_old_token_stop_the_recovery() {
    let simulated = eight_six().await;
    for _ in 0..3 {
        completed(&simulated, backup(&simulated).await);
        tokio::time::sleep(MINUTE).await; // virtual time: the next id
    }
    die_paused(&simulated, simulated.config().unwrap()).await;
    for key in simulated.journal().list("claims").await.unwrap() {
        assert!(simulated.journal().lose(&key));
    }
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_is_done_on_a_full_disk_too() {
    let simulated = dead_and_paused().await;
    let full = simulated.journal().after_death();
    full.full_from_put(1);
    let mut parts = simulated.connect_options();
    parts.journal = Some(Arc::new(full));
    let error = recover(simulated.config().unwrap(), parts).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(
        error.to_string().contains("done, and it could not be written down: resume exporting"),
        "{error}"
    );
    assert_running(&simulated);
    // It is on record as owed, and done again as soon as that can be noted.
    assert_eq!(
        recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap().runs[0].paid.len(),
        1
    );
}

/// A journal with the lock that the trait brings along.
#[derive(Debug)]
struct PutAndList(MemoryJournal);

#[async_trait::async_trait]
impl Journal for PutAndList {
    async fn put_new(&self, key: &Key, body: bytes::Bytes) -> Result<Put> {
        self.0.put_new(key, body).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Key>> {
        self.0.list(prefix).await
    }
    async fn read(&self, key: &Key) -> Result<bytes::Bytes> {
        self.0.read(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_gives_the_lock_back() {
    let simulated = dead_and_paused().await;
    let parts = || {
        let mut parts = simulated.connect_options();
        parts.journal = Some(Arc::new(PutAndList(simulated.journal().after_death())));
        parts
    };
    let cluster = Cluster::connect_with(simulated.config().unwrap(), parts()).await.unwrap();
    assert_eq!(cluster.abandon(BackupId::new(12).unwrap()).await.unwrap_err().kind(), ErrorKind::Foreign);
    cluster.recover().await.unwrap();
    // The orphan of the dead process cannot be settled once; that, too, gives the lock back.
    die_again(&simulated).await;
    let puts = simulated.journal().puts();
    for put in puts + 1..puts + 60 {
        simulated.journal().fail_put(put, PutFault::Before);
    }
    drop(cluster.recover().await);
    simulated.journal().heal();
    cluster.recover().await.unwrap();
    assert_running(&simulated);
}

async fn die_again(simulated: &SimulatedCluster) {
    tokio::time::sleep(MINUTE).await; // virtual time: the next id
    die_paused(simulated, simulated.config().unwrap()).await;
}

/// The last record of a run that has completed cannot be read any more.
#[tokio::test(start_paused = true)]
async fn a_backup_that_may_be_complete_is_not_abandoned() {
    let simulated = eight_six().await;
    let report = completed(&simulated, backup(&simulated).await);
    let everything = artifacts(&simulated);
    let last = run_keys(&simulated).await.pop().unwrap();
    assert!(simulated.journal().corrupt(&last, |body| body[20] ^= 1));
    let cluster = connect(&simulated).await;
    for _ in 0..2 {
        let error = cluster.abandon(report.id.unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NeedsOperator);
        assert!(error.to_string().contains("may have completed"), "{error}");
        let recovered = cluster.recover().await.unwrap();
        for run in &recovered.runs {
            assert_eq!((run.end, run.leftovers.len()), (RecoveredEnd::Unreadable, 0), "{recovered}");
        }
    }
    assert_eq!(artifacts(&simulated), everything, "nothing was deleted");
    // A disk that reads again what it could not read is no reason either.
    assert!(simulated.journal().corrupt(&last, |body| body[20] ^= 1));
    assert_eq!(cluster.abandon(report.id.unwrap()).await.unwrap_err().kind(), ErrorKind::Foreign);
    assert_eq!(artifacts(&simulated), everything, "nothing was deleted");
}

/// An application goes on with its queue of parts although the first ones are deleted.
#[tokio::test(start_paused = true)]
async fn what_an_application_is_still_making_is_not_called_gone() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|_, _| Duration::from_secs(5));
    let process = SimulatedProcess::immortal(&simulated);
    let cluster =
        Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    let id = planned.id().unwrap();
    let run = tokio::spawn(async move { cluster.run(planned).await.map(|_| ()) });
    until("asked for", || !artifacts(&simulated).is_empty()).await;
    process.kill();
    run.abort();
    let cluster = connect(&simulated).await;
    cluster.recover().await.unwrap();
    let mut tries = 0;
    loop {
        let abandoned = cluster.abandon(id).await.unwrap();
        tries += 1;
        if abandoned.remaining.is_empty() {
            break;
        }
        assert!(abandoned.to_string().contains("abandon again"), "{abandoned}");
        assert!(tries < 20, "{abandoned}");
        a_minute_later(&simulated).await;
    }
    assert!(tries > 1, "it was gone at once");
    a_minute_later(&simulated).await;
    assert_eq!(artifacts(&simulated).len(), 0, "{:?}", artifacts(&simulated));
}

#[tokio::test(start_paused = true)]
async fn report_and_journal_agree_although_the_last_answer_was_lost() {
    let model = eight_six().await;
    completed(&model, backup(&model).await);
    let simulated = eight_six().await;
    // The last put gives the claim back, the one before is the report, the one before that says that the run completed.
    simulated.journal().fail_put(model.journal().puts() - 2, PutFault::After);
    let (_, report) = failed(backup(&simulated).await);
    assert_eq!(report.outcome, RunOutcome::Failed);
    let abandoned = connect(&simulated).await.abandon(report.id.unwrap()).await.unwrap();
    assert_eq!(abandoned.remaining, [""; 0]);
    assert!(!abandoned.deleted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_never_plans_an_id_twice() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let first = plan(&cluster);
    simulated.journal().full_from_put(3);
    drop(cluster.run(first.clone()).await.unwrap_err());
    simulated.journal().heal();
    assert!(plan(&cluster).id() > first.id());
    let again = connect_with(&simulated, |_| {}).await.unwrap();
    completed(&simulated, again.run(plan(&again)).await);
}

/// A process dies while the store makes the snapshot of the records: the next backup is told whose it is.
#[tokio::test(start_paused = true)]
async fn what_a_dead_run_left_running_is_said_to_be_its_own() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|name, _| {
        if name.contains("records") { 10 * MINUTE } else { Duration::from_secs(1) }
    });
    let process = camunda_backup::testing::SimulatedProcess::immortal(&simulated);
    let cluster =
        Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
    let planned = plan(&cluster);
    let id = planned.id().unwrap();
    let run = tokio::spawn(async move { cluster.run(planned).await.map(|_| ()) });
    let running = || {
        let snapshots = simulated.store().snapshots("backups").into_iter();
        snapshots.filter(|snapshot| snapshot.name.contains("records")).count() == 1
    };
    until("the records are being saved", running).await;
    process.kill();
    run.abort();
    let cluster = connect(&simulated).await;
    cluster.recover().await.unwrap();
    let cluster = connect(&simulated).await;
    let error = cluster.plan_backup(camunda_backup::BackupSpec::default()).unwrap_err().to_string();
    assert!(
        error.contains("snapshot-running") && error.contains(&format!("belongs to backup {id}")),
        "{error}"
    );
    assert!(error.contains(&format!("abandon({id})")), "{error}");
}
