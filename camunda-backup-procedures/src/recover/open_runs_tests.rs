//! What becomes of a run that another process can go on with.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use camunda_backup_core::{Clock as _, ErrorKind};

use crate::engine::Entry;
use crate::journal::{Journal, RunId, RunLog, claim};
use crate::plan::{Plan, Task};
use crate::testing::{SimulatedCluster, StoreKind};
use crate::{BackupSpec, Cluster, RecoveredEnd};

async fn connect(simulated: &SimulatedCluster) -> Cluster {
    Cluster::connect_with(simulated.config().unwrap(), simulated.connect_options()).await.unwrap()
}

/// A process that died after it had sent its pause, in a run that can be continued.
async fn die(simulated: &SimulatedCluster, plan: &Plan) -> RunId {
    let (journal, clock): (Arc<dyn Journal>, _) = (Arc::new(simulated.journal()), simulated.clock());
    let claim = claim(Arc::clone(&journal), &plan.cluster, "trial", clock.now()).await.unwrap();
    let run = RunId::new(clock.now(), 7);
    let mut log = RunLog::begin(journal, &plan.cluster, run.clone(), claim.token());
    let owes = plan.obligations().next().cloned();
    for entry in [
        Entry::Started { plan: Arc::new(plan.to_value().unwrap()) },
        Entry::Intent { step: "soft-pause-exporting".to_owned(), owes },
    ] {
        log.append(clock.now(), &entry).await.unwrap();
    }
    simulated.camunda().foreign_pause(true);
    run
}

#[tokio::test(start_paused = true)]
async fn what_it_owes_is_paid_and_it_stays_open() {
    let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8).unwrap();
    let cluster = connect(&simulated).await;
    let backup = cluster.plan_backup(BackupSpec::default()).unwrap();
    let mut plan = backup.clone();
    plan.task = Task::Trial;
    let run = die(&simulated, &plan).await;

    let first = recovered(&simulated).await;
    assert_eq!((first.runs[0].end, first.runs[0].paid.len()), (RecoveredEnd::ToBeContinued, 1));
    let words = first.to_string();
    assert!(words.contains(run.as_str()) && words.contains("to be continued"), "{words}");

    let puts = simulated.journal().puts();
    let again = recovered(&simulated).await;
    assert_eq!((again.runs[0].end, again.runs[0].paid.len()), (RecoveredEnd::ToBeContinued, 0));
    assert_eq!(simulated.journal().puts(), puts, "nothing to do, so nothing is written");

    let failure = connect(&simulated).await.run(backup).await.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Blocked, "{failure}");
    assert!(failure.to_string().contains(run.as_str()), "{failure}");
}

async fn recovered(simulated: &SimulatedCluster) -> crate::RecoveryReport {
    crate::recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap()
}
