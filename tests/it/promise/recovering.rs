//! What `recover` believes: no clock, no empty journal, and not that one run's trouble is everybody's.

use std::sync::Arc;

use camunda_backup::testing::{Fault, Rule, SimulatedCluster, SimulatedProcess};
use camunda_backup::{Clock, Timestamp};
use camunda_backup::{Cluster, ErrorKind, Journal, MemoryJournal, recover};

use super::{Duration, MINUTE, die_paused};
use crate::world::{
    assert_running, backup, completed, connect, eight_six, failed, is_paused, is_running, plan, sent, until,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock that shows another time than the cluster's, by so many milliseconds.
#[derive(Debug)]
struct Skewed(Arc<dyn Clock>, i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now().millis().saturating_add_signed(self.1))
    }
}

/// What a recovery by a process with such a clock said, and whether that pages somebody.
async fn recover_skewed(simulated: &SimulatedCluster, skew: i64) -> (String, bool) {
    let mut options = simulated.connect_options();
    options.clock = Some(Arc::new(Skewed(Arc::new(simulated.clock()), skew)));
    match recover(simulated.config().unwrap(), options).await {
        Ok(report) => (report.to_string(), !report.is_clean()),
        Err(error) => (error.report(), true),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}

/// Clocks that are wrong in every way, seen from the time in the journal.
fn skews() -> Vec<i64> {
    let ahead = [90, 2 * 3600, 8 * 86_400, 400 * 86_400].map(|seconds| seconds * 1000);
    ahead.into_iter().flat_map(|skew| [skew, -skew]).chain([0, i64::MIN, i64::MAX / 2]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_pause_on_its_way_is_waited_for_whatever_the_clock_shows() {
    for skew in skews() {
        let simulated = eight_six().await;
        // The pause hangs in the gateway, its sender gives up after 60 s, and it takes effect after 75 s.
        let late = Fault::Delay(Duration::from_secs(75));
        simulated.inject(Rule::operation("zeebe.exporting.pause", late).unwrap().times(1));
        let process = SimulatedProcess::immortal(&simulated);
        let cluster =
            Cluster::connect_with(simulated.config().unwrap(), process.connect_options()).await.unwrap();
        let planned = plan(&cluster);
        let run = tokio::spawn(async move { cluster.run(planned).await.map(|_| ()) });
        until("sent", || !sent(&simulated, "zeebe.exporting.pause").is_empty()).await;
        tokio::time::sleep(Duration::from_millis(60_500)).await; // virtual time: it is on record as unanswered
        process.kill();
        run.abort();
        assert!(!is_paused(&simulated));
        let (said, _) = recover_skewed(&simulated, skew).await;
        tokio::time::sleep(10 * MINUTE).await; // virtual time: whatever comes late has come
        assert!(is_running(&simulated), "clock off by {skew} ms: {said}");
    }
}

/// A run whose pause was never answered, and never came.
async fn unanswered_pause() -> SimulatedCluster {
    let simulated = eight_six().await;
    simulated.inject(Rule::operation("zeebe.exporting.pause", Fault::LoseBefore).unwrap().times(1));
    failed(backup(&simulated).await);
    simulated
}

#[tokio::test(start_paused = true)]
async fn an_age_that_cannot_be_is_named_and_never_acted_on() {
    // Long after the run: a clock that shows a time before its last record cannot tell how long.
    for shown in [Duration::ZERO, 2 * 60 * MINUTE, 30 * DAY] {
        let simulated = unanswered_pause().await;
        tokio::time::sleep(300 * DAY).await; // virtual time
        simulated.camunda().foreign_pause(true);
        let skew = -millis(300 * DAY + 2 * 60 * MINUTE + shown);
        let (said, pages) = recover_skewed(&simulated, skew).await;
        assert!(is_paused(&simulated), "somebody else's pause was ended: {said}");
        assert!(pages && said.contains("curl"), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_found_is_named_however_old_the_runs_are() {
    for skew in [0, millis(8 * DAY), millis(400 * DAY)] {
        let simulated = eight_six().await;
        let late = Fault::Delay(Duration::from_secs(600));
        simulated.inject(Rule::operation("zeebe.exporting.pause", late).unwrap().times(1));
        failed(backup(&simulated).await);
        tokio::time::sleep(15 * MINUTE).await; // virtual time: it has come
        assert!(is_paused(&simulated));
        let (said, pages) = recover_skewed(&simulated, skew).await;
        assert!(pages, "{said}");
        assert!(is_running(&simulated) || said.contains("paused") || said.contains("PAUSED"), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_comes_late_once() {
    let simulated = eight_six().await;
    let late = Fault::Delay(Duration::from_secs(300));
    simulated.inject(Rule::operation("zeebe.exporting.pause", late).unwrap().times(1));
    failed(backup(&simulated).await);
    tokio::time::sleep(8 * MINUTE).await; // virtual time: it has come
    let cluster = connect(&simulated).await;
    assert_eq!(cluster.recover().await.unwrap().runs.len(), 1);
    assert_running(&simulated);
    // The next one is somebody else's.
    simulated.camunda().foreign_pause(true);
    for _ in 0..3 {
        let (said, pages) = recover_skewed(&simulated, 0).await;
        assert!(is_paused(&simulated), "a pause of somebody else was ended: {said}");
        assert!(pages, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_journal_does_not_say_that_all_is_well() {
    let simulated = eight_six().await;
    die_paused(&simulated, simulated.config().unwrap()).await;
    let mut options = simulated.connect_options();
    options.journal = Some(Arc::new(MemoryJournal::new()));
    let recovered = recover(simulated.config().unwrap(), options.clone()).await.unwrap();
    assert!(!recovered.is_clean(), "{recovered}");
    let words = recovered.to_string();
    assert!(words.contains("PAUSED") && words.contains("/actuator/exporting/resume"), "{words}");
    assert!(is_paused(&simulated), "nobody knows whose pause it is");
    simulated.camunda().foreign_resume();
    let recovered = recover(simulated.config().unwrap(), options.clone()).await.unwrap();
    assert!(recovered.is_clean(), "{recovered}");
    // Nobody can be asked: that is said, and is no proof of anything.
    simulated.inject(Rule::when(|_| true, Fault::Refuse));
    let recovered = recover(simulated.config().unwrap(), options).await.unwrap();
    assert!(recovered.to_string().contains("could not be seen"), "{recovered}");
}

#[tokio::test(start_paused = true)]
async fn a_debt_under_another_name_of_this_cluster_is_paid() {
    let simulated = eight_six().await;
    die_paused(&simulated, simulated.config().unwrap()).await;
    let mut config = simulated.config().unwrap();
    config.name = "production".to_owned();
    let recovered = recover(config.clone(), simulated.connect_options()).await.unwrap();
    assert_eq!(recovered.runs.len(), 1, "{recovered}");
    assert_running(&simulated);
    assert!(recover(config, simulated.connect_options()).await.unwrap().is_clean());
    assert!(
        connect(&simulated).await.recover().await.unwrap().is_clean(),
        "it is on record where it is owed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_debt_of_another_gateway_in_the_same_journal_is_left_to_its_own_recovery() {
    let (ours, other) = (eight_six().await, eight_six().await);
    die_paused(&ours, ours.config().unwrap()).await;
    let mut config = other.config().unwrap();
    config.name = "other".to_owned();
    config.zeebe = camunda_backup::Endpoint::new("http://other-gateway:9600").unwrap();
    let mut options = other.connect_options();
    options.journal = Some(Arc::new(ours.journal()));
    if let Ok(recovered) = recover(config, options).await {
        assert!(recovered.runs.is_empty(), "{recovered}");
    }
    assert!(is_paused(&ours));
    assert_eq!(connect(&ours).await.recover().await.unwrap().runs.len(), 1);
    assert_running(&ours);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_run_hides_neither_a_late_pause_nor_another_debt() {
    for late in [true, false] {
        let simulated = eight_six().await;
        completed(&simulated, backup(&simulated).await);
        let keys = simulated.journal().list("runs").await.unwrap();
        tokio::time::sleep(MINUTE).await; // virtual time: the next run
        if late {
            let fault = Fault::Delay(Duration::from_secs(300));
            simulated.inject(Rule::operation("zeebe.exporting.pause", fault).unwrap().times(1));
            failed(backup(&simulated).await);
            tokio::time::sleep(10 * MINUTE).await; // virtual time: it has come
        } else {
            die_paused(&simulated, simulated.config().unwrap()).await;
        }
        assert!(is_paused(&simulated));
        for key in &keys[..2] {
            simulated.journal().corrupt(key, Vec::clear);
        }
        let failure = recover(simulated.config().unwrap(), simulated.connect_options()).await.unwrap_err();
        assert_running(&simulated);
        assert_eq!(failure.kind(), ErrorKind::NeedsOperator, "{failure}");
        assert_eq!(failure.recovered().runs.len(), 1, "what was done is said, too: {failure}");
        assert!(failure.to_string().contains("done now"), "{failure}");
    }
}
