//! What a run tells, in which order, and that nobody who listens can harm it.

use std::sync::{Arc, Mutex};

use camunda_backup::{Cluster, ProgressObserver, RunEvent, RunEventKind};

use crate::world::{assert_running, completed, connect, eight_six, plan};

#[tokio::test(start_paused = true)]
async fn events_tell_the_run_in_the_order_of_happening() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    let steps: Vec<String> = planned.steps().into_iter().map(|step| step.name.clone()).collect();
    let run = cluster.start(planned).await;
    let mut events = run.events();
    let listener = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = events.next().await {
            seen.push(event);
        }
        seen
    });
    completed(&simulated, run.finished().await);
    let seen = listener.await.unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].at <= pair[1].at));
    let kinds: Vec<&RunEventKind> = seen.iter().map(|event| &event.kind).collect();
    assert!(matches!(kinds.first(), Some(RunEventKind::Started { .. })), "{kinds:?}");
    assert!(matches!(kinds.last(), Some(RunEventKind::Finished { .. })), "{kinds:?}");
    let place = |wanted: &dyn Fn(&RunEventKind) -> bool| kinds.iter().position(|kind| wanted(kind)).unwrap();
    let sending = |name: &str| place(&|kind| matches!(kind, RunEventKind::Sending { step } if step == name));
    let reached =
        |name: &str| place(&|kind| matches!(kind, RunEventKind::Reached { step, .. } if step == name));
    let owes = place(&|kind| matches!(kind, RunEventKind::Owes { .. }));
    let paid = place(&|kind| matches!(kind, RunEventKind::Paid { .. }));
    assert!(owes < sending("soft-pause-exporting"), "owed before it is sent");
    assert!(reached("back-up-zeebe") < paid && reached("confirm-pause-held") < paid);
    for step in steps.iter().filter(|step| *step != "resume-exporting") {
        let acts = step.starts_with("back-up") || step.starts_with("snapshot") || step.starts_with("soft");
        assert!(!acts || sending(step) < reached(step), "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_events_end_with_the_run_while_its_handle_lives() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    let (mut events, mut last) = (run.events(), None);
    while let Some(event) = events.next().await {
        last = Some(event.to_string());
    }
    assert!(last.is_some_and(|last| last.ends_with("COMPLETED, PROVEN")));
    assert!(run.events().next().await.is_none(), "there are no more for anybody");
    completed(&simulated, run.finished().await);
}

/// Keeps everything, and panics as often as it is asked to.
#[derive(Debug, Default)]
struct Observer {
    seen: Mutex<Vec<String>>,
    panics: bool,
}

impl ProgressObserver for Observer {
    fn observe(&self, event: &RunEvent) {
        self.seen.lock().unwrap().push(event.to_string());
        assert!(!self.panics, "an observer of the caller has a defect");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_everything_and_cannot_fail_the_run() {
    for panics in [false, true] {
        let simulated = eight_six().await;
        let observer = Arc::new(Observer { panics, ..Observer::default() });
        let mut parts = simulated.connect_options();
        parts.observer = Some(observer.clone());
        let cluster = Cluster::connect_with(simulated.config().unwrap(), parts).await.unwrap();
        let ended = cluster.run(plan(&cluster)).await;
        assert_running(&simulated);
        completed(&simulated, ended);
        let seen = observer.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).join("\n");
        assert!(
            seen.contains("begins") && seen.contains("owes nothing") && seen.contains("Proven")
                || seen.contains("PROVEN"),
            "{seen}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_falls_behind_misses_old_events_only() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|_, _| std::time::Duration::from_secs(30));
    simulated.camunda().set_part_timeout(None);
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    let mut events = run.events();
    completed(&simulated, run.finished().await);
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event.kind);
    }
    assert!(matches!(last, Some(RunEventKind::Finished { .. })), "{last:?}");
}
