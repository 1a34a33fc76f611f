//! Closing goes on whatever an attempt to close does: it panics, it hangs, it is never answered.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use camunda_backup::testing::{Fault, Rule, SimulatedCluster};
use camunda_backup::{Clock, Request, Response, Timestamp, Transport, TransportError};
use camunda_backup::{
    Cluster, ErrorKind, Failure, ProgressObserver, Report, RunEvent, RunEventKind, recover,
};

use super::{Duration, MINUTE, broker, die_paused};
use crate::world::{
    assert_running, backup, completed, connect, eight_six, failed, is_paused, limited, longest_pause, plan,
    sent, until,
};

/// What a transport does with the requests of one operation, once the pause is to be ended.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Defect {
    Panics,
    /// Without any time-out.
    NeverReturns,
}

/// Somebody's transport that has a defect in requests of one operation, for some times, from the first resume on.
#[derive(Debug)]
struct Defective {
    inner: Arc<dyn Transport>,
    operation: &'static str,
    defect: Defect,
    left: AtomicUsize,
    closing: AtomicBool,
}

#[async_trait]
impl Transport for Defective {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if request.operation == "zeebe.exporting.resume" {
            self.closing.store(true, Ordering::SeqCst);
        }
        let meant = request.operation == self.operation && self.closing.load(Ordering::SeqCst);
        if meant
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            assert!(self.defect != Defect::Panics, "a defect of somebody's transport");
            std::future::pending::<()>().await;
        }
        self.inner.send(request).await
    }
}

#[derive(Debug, Default)]
struct Told(Mutex<Vec<RunEvent>>);

impl ProgressObserver for Told {
    fn observe(&self, event: &RunEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

async fn run_with(
    simulated: &SimulatedCluster,
    operation: &'static str,
    defect: Defect,
    times: usize,
) -> (Result<Report, Failure>, Arc<Told>) {
    let (mut options, told) = (simulated.connect_options(), Arc::new(Told::default()));
    let left = AtomicUsize::new(times);
    let inner = simulated.transport();
    options.transport =
        Some(Arc::new(Defective { inner, operation, defect, left, closing: AtomicBool::new(false) }));
    options.observer = Some(told.clone());
    let cluster = Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap();
    let spec = limited(|limits| limits.max_resume = 2 * MINUTE);
    let ended = cluster.run(cluster.plan_backup(spec).unwrap()).await;
    (ended, told)
}

/// The requests of which closing consists, the looks included.
const OF_CLOSING: [&str; 4] = [
    "zeebe.exporting.resume",
    "broker.partitions.statuses",
    "broker.partitions.resume-exporting",
    "rest.topology",
];

#[tokio::test(start_paused = true)]
async fn an_attempt_to_close_that_panics_is_followed_by_the_next() {
    for operation in OF_CLOSING {
        for times in [1, 3] {
            let simulated = eight_six().await;
            let (ended, told) = run_with(&simulated, operation, Defect::Panics, times).await;
            assert_running(&simulated);
            assert!(longest_pause(&simulated) < MINUTE, "{operation}: {:?}", longest_pause(&simulated));
            let report = completed(&simulated, ended);
            assert!(!report.owing, "{report}");
            let told = told.0.lock().unwrap();
            let attempts =
                told.iter().filter(|event| matches!(event.kind, RunEventKind::Closing { .. })).count();
            if operation == "zeebe.exporting.resume" {
                assert!(attempts >= times, "{attempts} of {times} attempts were told");
            }
            assert!(matches!(told.last().unwrap().kind, RunEventKind::Finished { .. }));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_to_close_that_never_returns_is_followed_by_the_next() {
    for operation in OF_CLOSING {
        for times in [1, 2] {
            let simulated = eight_six().await;
            let (ended, _) = run_with(&simulated, operation, Defect::NeverReturns, times).await;
            completed(&simulated, ended);
            assert!(longest_pause(&simulated) < MINUTE, "{operation}: {:?}", longest_pause(&simulated));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn closing_that_always_panics_ends_with_its_budget_and_says_what_is_owed() {
    let simulated = eight_six().await;
    let began = tokio::time::Instant::now();
    let (ended, _) = run_with(&simulated, "zeebe.exporting.resume", Defect::Panics, usize::MAX).await;
    let Err(failure) = ended else { panic!("nothing was resumed") };
    let report = failure.report.as_ref().unwrap();
    assert!(report.owing, "{report}");
    let owed = std::iter::once(&failure.error).chain(&failure.secondary);
    let owed: Vec<_> = owed.filter(|error| error.kind() == ErrorKind::NeedsOperator).collect();
    assert!(owed.len() == 1 && owed[0].advice().unwrap().contains("curl"), "{failure}");
    assert!(owed[0].to_string().contains("panicked"), "{}", owed[0]);
    assert!(began.elapsed() < 5 * MINUTE, "{:?}", began.elapsed());
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert_running(&simulated);
}

/// A clock of the caller's that panics from a moment on.
#[derive(Debug)]
struct Broken(Arc<dyn Clock>, SimulatedCluster);

impl Clock for Broken {
    fn now(&self) -> Timestamp {
        assert!(!is_paused(&self.1), "a defect of somebody's clock");
        self.0.now()
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_panics_while_exporting_is_paused_leaves_nothing_paused() {
    let simulated = eight_six().await;
    let mut options = simulated.connect_options();
    options.clock = Some(Arc::new(Broken(Arc::new(simulated.clock()), simulated.clone())));
    let cluster = Cluster::connect_with(simulated.config().unwrap(), options).await.unwrap();
    drop(cluster.run(plan(&cluster)).await);
    assert!(!longest_pause(&simulated).is_zero());
    assert_running(&simulated);
}

#[tokio::test(start_paused = true)]
async fn closing_is_never_silent_for_long() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let spec = limited(|limits| limits.max_resume = 8 * MINUTE);
    let run = cluster.start(cluster.plan_backup(spec).unwrap()).await;
    let mut events = run.events();
    let told = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Some(event) = events.next().await {
            told.push((tokio::time::Instant::now(), event));
        }
        told
    });
    until("paused", || is_paused(&simulated)).await;
    simulated.camunda().kill_broker(&broker(1));
    let (_, report) = failed(run.finished().await);
    assert!(report.owing, "{report}");
    let told = told.await.unwrap();
    let silent = told.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
    assert!(silent <= MINUTE, "nothing was told for {silent:?}");
    let attempts: Vec<u32> = told
        .iter()
        .filter_map(|(_, event)| match &event.kind {
            RunEventKind::Closing { attempt, text, .. } => {
                assert!(
                    text.contains("broker-1") || text.contains("broker 1") || text.contains("1:"),
                    "{text}"
                );
                Some(*attempt)
            }
            _ => None,
        })
        .collect();
    assert!(attempts.len() > 5 && attempts.windows(2).all(|pair| pair[0] < pair[1]), "{attempts:?}");
}

/// Who does not answer costs his own time only. What an operator has resumed by hand is seen although some requests hang.
#[tokio::test(start_paused = true)]
async fn what_runs_again_is_seen_although_resumes_hang() {
    for hanging in
        [&["zeebe.exporting.resume"][..], &["broker.partitions.resume-exporting"], &["rest.topology"]]
    {
        let simulated = eight_six().await;
        die_paused(&simulated, simulated.config().unwrap()).await;
        simulated.camunda().foreign_resume();
        for operation in hanging {
            simulated.inject(Rule::operation(operation, Fault::Hang).unwrap());
        }
        let began = tokio::time::Instant::now();
        let recovered = recover(simulated.config().unwrap(), simulated.connect_options()).await;
        recovered.unwrap_or_else(|error| panic!("{hanging:?}: {error}"));
        // A pause that was not confirmed is waited for; what hangs adds some seconds.
        assert!(began.elapsed() < 2 * MINUTE, "{hanging:?}: {:?}", began.elapsed());
    }
    let simulated = eight_six().await;
    die_paused(&simulated, simulated.config().unwrap()).await;
    simulated.camunda().foreign_resume();
    simulated.inject(Rule::operation("zeebe.exporting.resume", Fault::Hang).unwrap());
    simulated.inject(Rule::when(
        |request| {
            request.operation == "broker.partitions.resume-exporting"
                && request.component.to_string().contains('1')
        },
        Fault::Hang,
    ));
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_broker_that_hangs_delays_the_others_by_nothing() {
    let simulated = eight_six().await;
    die_paused(&simulated, simulated.config().unwrap()).await;
    simulated.inject(Rule::operation("zeebe.exporting.resume", Fault::Hang).unwrap());
    simulated.inject(Rule::when(
        |request| request.component.to_string().contains('1') && request.operation.starts_with("broker."),
        Fault::Hang,
    ));
    let began = simulated.clock().elapsed();
    let recovering = tokio::spawn(recover(simulated.config().unwrap(), simulated.connect_options()));
    until("the other broker is resumed", || {
        let phases = simulated.camunda().phases();
        phases.values().any(|phase| *phase == camunda_backup::zeebe::testing::Phase::Exporting)
    })
    .await;
    let waited = simulated.clock().elapsed().saturating_sub(began);
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    assert_eq!(recovering.await.unwrap().unwrap_err().kind(), ErrorKind::NeedsOperator);
    simulated.heal();
    recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
    assert_running(&simulated);
}

/// Whatever hangs for ever, a call to `recover` ends, and its time is the sum of bounds.
#[tokio::test(start_paused = true)]
async fn recovering_ends_whatever_hangs() {
    let model = eight_six().await;
    die_paused(&model, model.config().unwrap()).await;
    model.start_recording();
    recover(model.config().unwrap(), model.connect_options()).await.unwrap();
    let operations: BTreeSet<&'static str> = model.requests().into_iter().map(|r| r.operation).collect();
    assert!(operations.contains("zeebe.exporting.resume") && operations.len() > 2, "{operations:?}");
    for operation in operations.into_iter().chain(["broker.partitions.resume-exporting"]) {
        let simulated = eight_six().await;
        die_paused(&simulated, simulated.config().unwrap()).await;
        simulated.inject(Rule::operation(operation, Fault::Hang).unwrap());
        let began = tokio::time::Instant::now();
        drop(recover(simulated.config().unwrap(), simulated.connect_options()).await);
        assert!(began.elapsed() < 5 * MINUTE, "{operation}: {:?}", began.elapsed());
        simulated.heal();
        recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap();
        assert_running(&simulated);
        assert!(!sent(&simulated, "zeebe.exporting.resume").is_empty());
    }
    completed(&model, backup(&model).await);
}
