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
    let (mut again, mut count) = (run.events(), 0);
    while let Some(event) = again.next().await {
        count += 1;
        assert_eq!(event.number, count, "whoever comes late gets everything from the start");
    }
    assert!(count > 10, "{count}");
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

#[tokio::test(start_paused = true)]
async fn every_event_says_which_cluster_run_and_backup_and_how_far_it_is() {
    let simulated = eight_six().await;
    simulated.store().set_snapshot_duration(|_, _| std::time::Duration::from_secs(30));
    simulated.camunda().set_part_timeout(None);
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    let (id, names) =
        (planned.id().unwrap(), planned.steps().into_iter().map(|s| s.name.clone()).collect::<Vec<_>>());
    let run = cluster.start(planned).await;
    assert_eq!((run.id(), run.run_id(), run.is_finished()), (Some(id), None, false));
    let mut events = run.events();
    let report = completed(&simulated, run.clone().await);
    assert!(run.is_finished());
    assert_eq!(run.run_id().unwrap().as_str(), report.run);
    let mut units = std::collections::BTreeSet::new();
    while let Some(event) = events.next().await {
        assert_eq!((event.cluster.as_ref(), event.run.as_deref()), ("camunda", Some(report.run.as_str())));
        assert_eq!(event.backup_id, Some(id));
        if let Some(step) = event.kind.step() {
            let position = event.step.unwrap();
            assert_eq!(names[position.number as usize - 1], step);
            assert_eq!(position.of as usize, names.len());
        }
        if let RunEventKind::Waiting { amount: Some(amount), .. } = event.kind {
            assert!(amount.done <= amount.total && amount.total > 0, "{amount}");
            units.insert(amount.unit.to_string());
        }
        let again: RunEvent = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(again, event);
    }
    assert!(units.contains("parts") && units.contains("partitions"), "{units:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_refused_tells_so() {
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let planned = plan(&cluster);
    simulated.camunda().add_foreign_backup(planned.id().unwrap().value());
    let run = cluster.start(planned).await;
    let mut events = run.events();
    drop(run.await);
    let event = events.next().await.unwrap();
    assert!(matches!(&event.kind, RunEventKind::Refused { why } if why.contains("id-taken")), "{event}");
    assert!(events.next().await.is_none());
}

/// Keeps for each log line of ours its level, its fields and the names of the spans around it.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<Line>>>);

#[derive(Debug, Clone)]
struct Line {
    level: tracing::Level,
    fields: String,
    spans: Vec<&'static str>,
}

#[derive(Default)]
struct Fields(String);

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let _ = std::fmt::Write::write_fmt(&mut self.0, format_args!("{field}={value:?};"));
    }
}

impl<S> tracing_subscriber::Layer<S> for Log
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fn on_event(&self, event: &tracing::Event<'_>, context: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() != "camunda_backup" {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let scope = context.event_scope(event).into_iter().flatten();
        let spans = scope.map(|span| span.name()).collect();
        self.0.lock().unwrap().push(Line { level: *event.metadata().level(), fields: fields.0, spans });
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_has_fields_to_search_by_levels_to_alarm_on_and_the_callers_span() {
    use tracing::Instrument;
    use tracing_subscriber::layer::SubscriberExt;
    let log = Log::default();
    // With one subscriber in the process, tracing asks the thread that reaches a log line first whether anybody
    // wants it, for good: a test beside this one, which has no subscriber, would answer for it. With two it asks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(log.clone()));
    let simulated = eight_six().await;
    let fault = camunda_backup::testing::Fault::Status(400);
    simulated.inject(camunda_backup::testing::Rule::operation("zeebe.backups.create", fault).unwrap());
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).instrument(tracing::info_span!("nightly_job")).await;
    let (id, failure) = (run.id().unwrap(), run.await.unwrap_err());
    let name = failure.report.as_ref().unwrap().run.clone();
    let lines = log.0.lock().unwrap().clone();
    assert!(lines.len() > 10);
    for line in &lines {
        for field in ["cluster=camunda;".to_owned(), format!("run=\"{name}\";"), format!("backup_id={id};")] {
            assert!(line.fields.contains(&field), "{field} is not in {line:?}");
        }
        assert!(line.spans.contains(&"nightly_job"), "{line:?}");
    }
    let levels_of = |what: &str| -> Vec<tracing::Level> {
        lines.iter().filter(|line| line.fields.contains(what)).map(|line| line.level).collect()
    };
    assert_eq!(levels_of("back-up-zeebe: failed"), [tracing::Level::WARN]);
    assert_eq!(levels_of("message=FAILED"), [tracing::Level::ERROR]);
    assert_eq!(levels_of("back-up-zeebe: sending"), [tracing::Level::INFO]);
    assert!(lines.iter().any(|line| line.fields.contains("step=\"back-up-zeebe\"")), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn events_are_a_stream() {
    fn is_a_stream<S: futures_core::Stream<Item = RunEvent> + Unpin + Send>(_: &S) {}
    let simulated = eight_six().await;
    let cluster = connect(&simulated).await;
    let run = cluster.start(plan(&cluster)).await;
    let mut events = run.events();
    is_a_stream(&events);
    completed(&simulated, run.await);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut read = || futures_core::Stream::poll_next(std::pin::Pin::new(&mut events), &mut context);
    let first = read();
    assert!(
        matches!(&first, std::task::Poll::Ready(Some(event)) if matches!(event.kind, RunEventKind::Started { .. })),
        "{first:?}"
    );
    while let std::task::Poll::Ready(Some(_)) = read() {}
    assert_eq!(read(), std::task::Poll::Ready(None));
}
