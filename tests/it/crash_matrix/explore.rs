//! One case: build the world, run the backup into the fault, let it settle, recover, look at everything.

use std::time::Duration;

use camunda_backup::testing::{SeenRequest, SimulatedCluster};
use camunda_backup::zeebe::testing::PauseKind;
use camunda_backup::{BackupId, BackupOrder, Cluster, Failure, RecoveryReport, Report, RunHandle, recover};

use super::cases::{Caller, Case};
use super::fault_injection::FaultInjector;
use super::invariants;
use super::mutants::Mutant;
use super::scenes::Scene;

/// What one case showed.
#[derive(Default)]
pub(super) struct Explored {
    /// Whether the fault's place was reached.
    pub(super) struck: bool,
    /// Whether the run said that it completed.
    pub(super) completed: bool,
    pub(super) violations: Vec<String>,
    /// The requests of the run itself.
    pub(super) requests: Vec<SeenRequest>,
    pub(super) puts: usize,
    /// How the run ended.
    pub(super) words: String,
}

/// How a run ended, as its caller sees it.
pub(super) enum End {
    Ended(Box<Result<Report, Failure>>),
    /// The caller dropped the run, and it has ended since.
    Dropped,
    Died,
    /// It has not ended within a day.
    Never,
}

/// Everything that the invariants are judged by.
pub(super) struct Aftermath<'a> {
    pub(super) case: Option<Case>,
    pub(super) id: BackupId,
    /// The only kind of pause that the plan has.
    pub(super) planned: PauseKind,
    pub(super) cluster: &'a SimulatedCluster,
    pub(super) end: &'a End,
    /// Whether every replica exported when the run had ended, before anybody recovered anything.
    pub(super) ran_at_end: bool,
    pub(super) recovered: Result<RecoveryReport, camunda_backup::Error>,
    /// What a second recovery found.
    pub(super) again: Result<RecoveryReport, camunda_backup::Error>,
}

/// Explores one case.
pub(super) fn explore(scene: &Scene, case: Option<Case>, mutant: Mutant) -> Explored {
    in_virtual_time(backed_up(scene, case, mutant))
}

/// A runtime of its own, with a clock of its own. A panic is a violation too.
pub(super) fn in_virtual_time(case: impl Future<Output = Explored>) -> Explored {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let run = std::panic::AssertUnwindSafe(|| runtime.block_on(case));
    std::panic::catch_unwind(run).unwrap_or_else(|_| Explored {
        struck: true,
        violations: vec!["it panicked".to_owned()],
        ..Explored::default()
    })
}

async fn backed_up(scene: &Scene, case: Option<Case>, mutant: Mutant) -> Explored {
    let simulated = scene.build().await;
    let injector = FaultInjector::new(&simulated, case, mutant);
    let config = scene.config(&simulated);
    let cluster = Cluster::connect_with(config.clone(), injector.connect_options()).await.unwrap();
    let plan = cluster.plan_backup(Scene::spec()).unwrap();
    let id = plan.id().unwrap();
    let hard = plan.backup().unwrap().order == BackupOrder::HardPause;
    let planned = if hard { PauseKind::Hard } else { PauseKind::Soft };
    injector.arm();
    let handle = cluster.start(plan).await;
    let day = Duration::from_secs(24 * 3600);
    let end = tokio::time::timeout(day, end_of(handle, &injector, case)).await.unwrap_or(End::Never);
    let ran_at_end = invariants::exports_everywhere(&simulated);
    let (requests, puts) = (simulated.requests(), injector.puts());
    injector.disarm();
    drop(cluster);
    tokio::time::sleep(Duration::from_secs(1)).await; // virtual time
    let next = || FaultInjector::new(&simulated, None, mutant).connect_options();
    let recovered = recover(config.clone(), next()).await.map_err(camunda_backup::Error::from);
    let again = recover(config.clone(), next()).await.map_err(camunda_backup::Error::from);
    let aftermath =
        Aftermath { case, id, planned, cluster: &simulated, end: &end, ran_at_end, recovered, again };
    let mut violations = injector.violations();
    violations.extend(invariants::violated(&aftermath).await);
    let completed = matches!(&end, End::Ended(result) if result.is_ok());
    let words = match end {
        End::Ended(result) => result.map_or_else(|failure| failure.to_string(), |report| report.to_string()),
        _ => String::new(),
    };
    Explored { struck: injector.has_struck(), completed, violations, requests, puts, words }
}

/// Runs until it has ended, or died.
pub(super) async fn end_of(handle: RunHandle, injector: &FaultInjector, case: Option<Case>) -> End {
    let mut events = handle.events();
    let dropped_when_struck = async {
        match case {
            Some(case) if case.caller == Caller::Drops => injector.strikes().await,
            _ => std::future::pending().await,
        }
    };
    let finished = handle.finished();
    tokio::select! {
        biased;
        () = injector.process().died() => return End::Died,
        () = dropped_when_struck => {}
        result = finished => return End::Ended(Box::new(result)),
    }
    // The future of the run, and the handle in it, are dropped by now: it closes by itself.
    while events.next().await.is_some() {}
    End::Dropped
}
