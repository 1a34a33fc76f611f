//! Each condition on both sides: a real run's plan, facts and timeline, with exactly one thing changed.
// The rows of a table are closures of one form.
#![allow(clippy::semicolon_if_nothing_returned, clippy::unnecessary_wraps)]

mod necessary;
mod pause;
mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use camunda_backup_core::BackupId;
use camunda_backup_zeebe::RuntimeBackup;

use super::judge;
use crate::backup::evidence::{Evidence, Parts, Records};
use crate::backup::spec::BackupSpec;
use crate::backup::task::BackupTask;
use crate::cluster::Cluster;
use crate::engine::{Entry, Moment};
use crate::exporting::Window;
use crate::facts::{Facts, Probe};
use crate::plan::{Plan, Task};
use crate::report::Details;
use crate::testing::{SimulatedCluster, SimulationOptions, StoreKind};
use crate::verdict::{Condition, ConditionStatus, Verdict};

const HOLDS: ConditionStatus = ConditionStatus::Holds;
const VIOLATED: ConditionStatus = ConditionStatus::Violated;
const UNPROVEN: ConditionStatus = ConditionStatus::Unproven;
const NOT_APPLICABLE: ConditionStatus = ConditionStatus::NotApplicable;

/// Everything that a judgement is given.
#[derive(Clone)]
struct Run {
    plan: Plan,
    before: Facts,
    after: Option<Facts>,
    timeline: Vec<Moment>,
    /// Evidence that was changed, by step. It replaces that of the timeline.
    changed: BTreeMap<String, Evidence>,
}

/// One change to a real run: the condition, what becomes of it, words of the reason, the change.
type Row = (&'static str, ConditionStatus, &'static str, fn(&mut Run));

impl Run {
    /// A backup of a simulated cluster of this version, with everything configured.
    async fn of(version: &str) -> Self {
        Self::with(version, |_| {}, BackupSpec::default()).await
    }

    async fn with(version: &str, tune: impl FnOnce(&mut SimulationOptions), spec: BackupSpec) -> Self {
        let mut options = SimulationOptions::new(version.parse().unwrap(), StoreKind::Elasticsearch8);
        tune(&mut options);
        let simulated = SimulatedCluster::with(options);
        tokio::time::sleep(Duration::from_secs(10)).await; // virtual time: some data comes into being
        let config = simulated.config().unwrap();
        let cluster = Cluster::connect_with(config, simulated.connect_options()).await.unwrap();
        let report = cluster
            .run(cluster.plan_backup(spec).unwrap())
            .await
            .unwrap_or_else(|failure| panic!("{failure}"));
        let changed = BTreeMap::new();
        let Details::Backup(details) = report.details else { panic!("no report of a backup") };
        Self {
            plan: report.plan,
            before: details.before,
            after: details.after,
            timeline: report.timeline,
            changed,
        }
    }

    fn judged(&self) -> (Verdict, Vec<Condition>) {
        let mut timeline = self.timeline.clone();
        for moment in &mut timeline {
            if let Entry::Reached { step, evidence } = &mut moment.entry {
                if let Some(changed) = self.changed.get(step) {
                    *evidence = changed.to_value().unwrap();
                }
            }
        }
        judge(&self.plan, &self.before, self.after.as_ref(), &timeline)
    }

    fn condition(&self, number: &str) -> Condition {
        let (_, conditions) = self.judged();
        conditions.into_iter().find(|condition| condition.number == number).unwrap()
    }

    /// The run as it was is proven, and each row changes its condition, and the verdict with it.
    fn assert_rows(&self, rows: &[Row]) {
        let (verdict, conditions) = self.judged();
        assert_eq!(verdict, Verdict::Proven, "{conditions:#?}");
        for (n, (number, expected, words, change)) in rows.iter().enumerate() {
            let mut run = self.clone();
            change(&mut run);
            let (condition, (verdict, conditions)) = (run.condition(number), run.judged());
            let shown = || {
                let lines: Vec<String> = conditions.iter().map(ToString::to_string).collect();
                format!("row {n}: {condition}\n{verdict}\n{}", lines.join("\n"))
            };
            assert_eq!(condition.standing, *expected, "{}", shown());
            assert!(condition.reason.contains(words), "{words}: {}", shown());
            assert!(conditions.iter().all(|c| !c.reason.is_empty()), "an empty reason: {}", shown());
            let redundant = ["N9", "N10", "N11"].contains(number);
            match expected {
                ConditionStatus::Violated => assert_eq!(verdict, Verdict::Inconsistent, "{}", shown()),
                ConditionStatus::Unproven if !redundant => {
                    assert_ne!(verdict, Verdict::Proven, "{}", shown())
                }
                _ => {}
            }
        }
    }

    fn task(&mut self) -> &mut BackupTask {
        match &mut self.plan.task {
            Task::Backup(task) => task,
            other @ Task::Trial(_) => panic!("{other}"),
        }
    }

    /// The evidence of a step.
    fn evidence(&mut self, step: &str) -> &mut Evidence {
        let found = self.timeline.iter().find_map(|moment| match &moment.entry {
            Entry::Reached { step: name, evidence } if name == step => Evidence::of(evidence),
            _ => None,
        });
        let found = found.unwrap_or_else(|| panic!("no evidence of {step}"));
        self.changed.entry(step.to_owned()).or_insert(found)
    }

    fn parts(&mut self, app: &str) -> &mut Parts {
        match self.evidence(&format!("back-up-{app}")) {
            Evidence::Parts(parts) => parts,
            other => panic!("{other:?}"),
        }
    }

    fn records(&mut self) -> &mut Records {
        match self.evidence("snapshot-records") {
            Evidence::Records(records) => records,
            other => panic!("{other:?}"),
        }
    }

    fn zeebe(&mut self) -> &mut RuntimeBackup {
        match self.evidence("back-up-zeebe") {
            Evidence::Zeebe(backup) => backup,
            other => panic!("{other:?}"),
        }
    }

    fn window(&mut self, step: &str) -> &mut Window {
        match self.evidence(step) {
            Evidence::Window(window) => window,
            other => panic!("{other:?}"),
        }
    }

    /// The look that confirmed the pause.
    fn paused(&mut self) -> &mut Window {
        let soft = self.plan.steps().iter().any(|step| step.name == "soft-pause-exporting");
        self.window(if soft { "soft-pause-exporting" } else { "hard-pause-exporting" })
    }

    /// The look just before the resume.
    fn held(&mut self) -> &mut Window {
        self.window("confirm-pause-held")
    }

    /// As if a step had never reached its goal.
    fn forget(&mut self, step: &str) {
        self.timeline
            .retain(|moment| !matches!(&moment.entry, Entry::Reached { step: name, .. } if name == step));
    }

    /// Moves the moment at which a step reached its goal.
    fn reached_at(&mut self, step: &str, order: u64) {
        for moment in &mut self.timeline {
            if matches!(&moment.entry, Entry::Reached { step: name, .. } if name == step) {
                moment.order = order;
            }
        }
    }

    /// Moves the moment at which a step's request was sent.
    fn sent_at(&mut self, step: &str, order: u64) {
        for moment in &mut self.timeline {
            if matches!(&moment.entry, Entry::Intent { step: name, .. } if name == step) {
                moment.order = order;
            }
        }
    }

    fn after(&mut self) -> &mut Facts {
        self.after.as_mut().unwrap()
    }
}

fn failed<T>() -> Probe<T> {
    Probe::Failed { why: "no answer".to_owned(), advice: None, answered: false }
}

fn seen<T>(probe: &mut Probe<T>) -> &mut T {
    match probe {
        Probe::Seen(value) => value,
        _ => panic!("nothing was seen"),
    }
}

fn id(value: i64) -> BackupId {
    BackupId::new(value).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_unproven_position_check_does_not_weaken_what_the_order_proves() {
    let run = Run::of("8.6.0").await;
    let mut without = run.clone();
    *without.evidence("read-record-positions") = Evidence::Nothing;
    *without.evidence("read-record-positions-again") = Evidence::Nothing;
    assert_eq!(without.condition("N10").standing, UNPROVEN);
    assert_eq!(without.judged().0, Verdict::Proven);
}

#[tokio::test(start_paused = true)]
async fn whoever_overrides_a_blocker_vouches_and_proves_nothing() {
    use crate::finding::{Finding, FindingCode, Severity};
    let mut run = Run::of("8.6.0").await;
    let mut finding = Finding::warning(FindingCode::PartsSlow, "store", "seen");
    run.plan.findings = vec![finding.clone()];
    assert_eq!(run.judged().0, Verdict::Proven, "a warning");
    finding.severity = Severity::Overridden;
    run.plan.findings.push(finding);
    assert_eq!(run.judged().0, Verdict::Plausible);
}
