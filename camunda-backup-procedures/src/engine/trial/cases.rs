use std::sync::Arc;
use std::time::Duration;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{Error, SystemClock, Timestamp};
use serde_json::Value;
use tokio::sync::watch;

use super::super::{
    Confirmations, Engine, Entry, EventBus, Ledger, Past, Reentry, RunEventKind, RunName, Source, Stop,
    StopReason, entries,
};
use super::world::{Death, DyingJournal, World};
use super::{Group, Stage, Trial, bracket, gate, stages, step};
use crate::journal::{Journal, MemoryJournal, RunId, RunLog, history};

const CLUSTER: &str = "trial";

fn run_id() -> RunId {
    RunId::new(Timestamp::from_millis(1_780_473_221_123), 1)
}

/// One process after the other on the same world and journal.
struct Case {
    world: Arc<World>,
    journal: MemoryJournal,
    stages: Arc<Vec<Stage>>,
    processes: u64,
}

impl Case {
    fn new(stages: Vec<Stage>) -> Self {
        Self { world: World::new(), journal: MemoryJournal::new(), stages: Arc::new(stages), processes: 0 }
    }

    /// Runs, or goes on with, the trial in a process of its own; nothing when it dies.
    async fn process(&mut self, death: Option<Death>) -> Option<Result<(), Vec<Error>>> {
        self.processes += 1;
        self.world.begin_process(death);
        let dies = Arc::clone(&self.world);
        tokio::select! {
            ended = self.living() => Some(ended),
            () = dies.dies() => None,
        }
    }

    async fn living(&self) -> Result<(), Vec<Error>> {
        let one = |error| vec![error];
        let journal: Arc<dyn Journal> =
            Arc::new(DyingJournal { journal: self.journal.clone(), world: Arc::clone(&self.world) });
        let now = Timestamp::from_millis(1_780_473_221_123);
        let begun = history(&self.journal, CLUSTER, &run_id()).await.ok();
        let (log, past) = if begun.is_some() {
            let resumed = RunLog::resume(journal, CLUSTER, run_id(), self.processes, now).await;
            let (log, history) = resumed.map_err(one)?;
            (log, Past::of(&entries(&history).map_err(one)?))
        } else {
            (RunLog::begin(journal, CLUSTER, run_id(), self.processes), Past::default())
        };
        let clock = Arc::new(SystemClock);
        let ledger = Arc::new(Ledger::new(log, clock.clone()));
        ledger.write(Entry::Started { plan: Arc::new(Value::Null) }).await.map_err(one)?;
        let source = Source {
            cluster: Arc::from(CLUSTER),
            backup_id: None,
            run: RunName::default(),
            steps: Arc::new([]),
        };
        let events = EventBus::new(source, clock, None);
        let mut asked = events.subscribe();
        let (_keep, stop) = watch::channel::<Option<StopReason>>(None);
        let confirmations = Confirmations::default();
        let engine = Engine::new(
            Arc::new(Trial(Arc::clone(&self.world))),
            Arc::clone(&self.stages),
            ledger,
            events,
            Stop::new(stop),
        )
        .continuing(Reentry::Continue, past, confirmations.clone());
        let answering = async {
            while let Some(event) = asked.next().await {
                if let RunEventKind::Asks { step, .. } = event.kind {
                    confirmations.confirm(&step, "operator", "yes, I have looked").await.unwrap();
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = engine.run() => ended,
            () = answering => unreachable!("the events end with the engine"),
        }
    }

    async fn entries(&self) -> Vec<Entry> {
        entries(&history(&self.journal, CLUSTER, &run_id()).await.unwrap()).unwrap()
    }

    fn acts(&self, name: &str) -> usize {
        self.world.state().acts.get(name).copied().unwrap_or_default()
    }

    /// Everything was made once, nothing is owed, and the old was deleted.
    fn assert_done(&self, how: &str) {
        for name in ["copy a", "copy b", "copy c", "delete old", "build new"] {
            assert_eq!(self.acts(name), 1, "{how}: {name}");
        }
        let state = self.world.state();
        assert!(!state.is_true.contains("entrance closed") && !state.is_true.contains("frozen"), "{how}");
        assert!(!state.is_true.contains("undo new"), "{how}");
        assert!(state.at_once.1 <= 2, "{how}: {:?}", state.at_once);
    }
}

/// Every request and every record, each with a death before and after its effect.
const DEATHS: usize = 116;

#[tokio::test(start_paused = true)]
async fn a_run_is_continued_wherever_its_process_died() {
    let mut whole = Case::new(stages());
    whole.process(None).await.unwrap().unwrap();
    whole.assert_done("without a death");
    let moments = whole.world.done();
    let mut deaths = 0;
    for at in 1..=moments {
        for after_the_effect in [false, true] {
            let mut case = Case::new(stages());
            let death = Death { at, after_the_effect };
            let how = format!("{death:?}");
            if case.process(Some(death)).await.is_some() {
                continue; // two steps of the group changed places
            }
            deaths += 1;
            case.process(None).await.unwrap().unwrap_or_else(|errors| panic!("{how}: {errors:?}"));
            case.assert_done(&how);
        }
    }
    assert_eq!(deaths, DEATHS);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_continued_by_a_third_process_and_days_later() {
    let mut case = Case::new(stages());
    for at in [9, 14, 11, 20] {
        assert!(case.process(Some(Death { at, after_the_effect: true })).await.is_none());
        tokio::time::sleep(Duration::from_secs(3 * 24 * 60 * 60)).await;
    }
    case.process(None).await.unwrap().unwrap();
    case.assert_done("after four deaths");
}

#[tokio::test(start_paused = true)]
async fn a_word_from_outside_is_on_record_and_a_gate_asks_again() {
    let mut case = Case::new(stages());
    assert!(case.process(Some(Death { at: 12, after_the_effect: true })).await.is_none());
    case.process(None).await.unwrap().unwrap();
    let words = |wanted: &str, entries: &[Entry]| {
        let said = |entry: &&Entry| matches!(entry, Entry::Confirmed { step, by, words } if step == wanted && by == "operator" && words == "yes, I have looked");
        entries.iter().filter(said).count()
    };
    let entries = case.entries().await;
    assert_eq!((words("all is saved", &entries), words("all is well", &entries)), (2, 1), "{entries:#?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_destroyed_by_a_process_that_has_not_passed_the_gate() {
    let mut case = Case::new(stages());
    // Died with the old still there and the gate passed.
    assert!(case.process(Some(Death { at: 12, after_the_effect: true })).await.is_none());
    case.world.state().broken.insert("all is saved".to_owned(), "the copy is gone".to_owned());
    let errors = case.process(None).await.unwrap().unwrap_err();
    assert!(errors[0].to_string().contains("the copy is gone"), "{errors:?}");
    assert_eq!(case.acts("delete old"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_a_gate_destroys_nothing() {
    let destroy = || Stage::Together(vec![step("destroy", "delete old")]);
    for stages in [vec![destroy()], vec![destroy(), gate()]] {
        let mut case = Case::new(stages);
        let errors = case.process(None).await.unwrap().unwrap_err();
        assert_eq!(errors[0].kind(), ErrorKind::Internal);
        assert!(errors[0].to_string().contains("gate"), "{errors:?}");
        assert_eq!(case.acts("delete old"), 0);
        let asked = case.entries().await.iter().any(|entry| matches!(entry, Entry::Intent { .. }));
        assert!(!asked, "no intent for what is refused");
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_inside_is_undone_and_every_bracket_is_closed() {
    let mut case = Case::new(stages());
    case.world.state().broken.insert("build new".to_owned(), "no room".to_owned());
    let errors = case.process(None).await.unwrap().unwrap_err();
    assert!(errors[0].to_string().contains("no room"), "{errors:?}");
    assert_eq!((case.acts("undo new"), case.acts("delete old")), (1, 1));
    let state = case.world.state();
    assert!(!state.is_true.contains("entrance closed") && !state.is_true.contains("frozen"));
}

#[tokio::test(start_paused = true)]
async fn an_undoing_that_fails_too_keeps_nothing_from_being_closed() {
    let mut case = Case::new(stages());
    for name in ["build new", "undo new"] {
        case.world.state().broken.insert(name.to_owned(), format!("{name} is impossible"));
    }
    let errors = case.process(None).await.unwrap().unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    let state = case.world.state();
    assert!(!state.is_true.contains("entrance closed") && !state.is_true.contains("frozen"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_between_two_steps_closes_what_is_open() {
    // The limits are asked for by the outer bracket, its opening, and the inner bracket: between two steps of the outer one.
    let inner = bracket("frozen", vec![Stage::Together(vec![step("make", "copy a")])], None);
    let mut case = Case::new(vec![bracket("entrance closed", vec![inner], None)]);
    case.world.state().panics_at = Some(3);
    let errors = case.process(None).await.unwrap().unwrap_err();
    assert_eq!(errors[0].kind(), ErrorKind::Internal, "{errors:?}");
    assert!(errors[0].to_string().contains("panicked"), "{errors:?}");
    let state = case.world.state();
    assert!(!state.is_true.contains("entrance closed") && !state.is_true.contains("frozen"));
    assert_eq!(state.acts.get("entrance closed"), Some(&1), "it was open");
}

#[tokio::test(start_paused = true)]
async fn a_group_has_a_time_of_its_own() {
    let steps = ["copy a", "copy b", "copy c"].map(|name| step("make", name)).to_vec();
    let limit = Duration::from_millis(150);
    let mut case = Case::new(vec![Stage::Group(Group { steps, at_once: 1, limit })]);
    let errors = case.process(None).await.unwrap().unwrap_err();
    assert_eq!(errors[0].kind(), ErrorKind::DeadlineExceeded, "{errors:?}");
    assert_eq!(case.acts("copy a") + case.acts("copy b") + case.acts("copy c"), 1);
}

#[tokio::test(start_paused = true)]
async fn brackets_close_from_the_inside_out() {
    let mut case = Case::new(vec![bracket("outer", vec![bracket("inner", Vec::new(), None)], None)]);
    case.process(None).await.unwrap().unwrap();
    let entries = case.entries().await;
    let paid: Vec<String> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Paid { obligation: crate::Obligation::ResumeExporting { gateway, .. }, .. } => {
                Some(gateway.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(paid, ["inner", "outer"]);
}
