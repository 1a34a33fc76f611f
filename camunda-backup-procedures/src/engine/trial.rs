//! A small procedure that uses all that the engine can do: a gate that asks somebody, a group with a limit, something that
//! is destroyed, brackets in brackets with an undoing, something long that is only looked at, and other processes that go
//! on with the run wherever it died.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cases;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::{Component, Result};
use camunda_backup_zeebe::PauseMode;
use serde_json::{Value, json};

use super::decision::{Existing, Trust};
use super::stages::{Bracket, Group, Stage, StepPlan};
use super::{Check, Effect, Nature, OnAttempt, Payment, Progress, Step, Steps, Times};
use crate::obligation::Obligation;
use world::World;

/// The procedure: it replaces something old by something new, with the entrance closed meanwhile.
#[derive(Debug)]
struct Trial(Arc<World>);

#[async_trait]
impl Steps for Trial {
    fn subject(&self) -> String {
        "the trial".to_owned()
    }

    fn times(&self) -> Times {
        let is_told = self.0.limits_are_asked();
        assert!(!is_told, "the trial panics as told");
        Times {
            max_bracket: Duration::from_secs(600),
            max_stage: Duration::from_secs(3600),
            max_close: Duration::from_secs(60),
            stall: Duration::from_secs(100),
            grace: Duration::from_secs(20),
        }
    }

    fn bind(&self, step: &StepPlan) -> Result<Arc<dyn Step>> {
        let kind = step.goal["kind"].as_str().unwrap_or_default().to_owned();
        Ok(Arc::new(TrialStep { name: step.name.clone(), kind, world: Arc::clone(&self.0) }))
    }

    async fn pay(&self, owed: &Obligation, _budget: Duration, _told: OnAttempt<'_>) -> Result<Payment> {
        let Obligation::ResumeExporting { gateway, .. } = owed;
        self.0.request(&format!("pay {gateway}"), |world| world.is_true.remove(gateway)).await;
        Ok(Payment { attempts: 1, by_detour: false })
    }

    fn latest_effect(&self) -> Duration {
        Duration::from_secs(60)
    }
}

#[derive(Debug)]
struct TrialStep {
    name: String,
    kind: String,
    world: Arc<World>,
}

#[async_trait]
impl Step for TrialStep {
    async fn check(&self) -> Result<Check> {
        let seen = self.world.look(&self.name).await;
        Ok(match (self.kind.as_str(), seen) {
            (_, Some(Value::String(why))) => Check::Failed(why),
            ("gate" | "word", _) => Check::Reached(Value::Null),
            (_, Some(Value::Number(left))) => {
                Check::Pending(Progress { mark: left.to_string(), running: true, ..Progress::default() })
            }
            (_, Some(_)) => Check::Reached(json!("seen")),
            (_, None) => Check::NotStarted,
        })
    }

    async fn act(&self) -> Result<Value> {
        let (name, is_long) = (self.name.clone(), self.kind == "long");
        let destroys = self.kind == "destroy";
        self.world
            .request(&format!("act {name}"), |world| {
                *world.acts.entry(name.clone()).or_default() += 1;
                assert!(!destroys || world.gate_passed, "destroyed without the gate of this process");
                world.is_true.insert(name.clone());
                if is_long {
                    world.work_left = 3;
                }
            })
            .await;
        Ok(Value::Null)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn nature(&self) -> Nature {
        let (trust, effect) = match self.kind.as_str() {
            "gate" | "word" => (Trust::Condition, Effect::Look),
            "opening" => (Trust::Condition, Effect::Make),
            "destroy" => (Trust::Artifact, Effect::Destroy),
            _ => (Trust::Artifact, Effect::Make),
        };
        let existing = if self.kind == "opening" { Existing::Foreign } else { Existing::Done };
        Nature { existing, trust, effect }
    }

    fn asks(&self) -> Option<String> {
        matches!(self.kind.as_str(), "gate" | "word").then(|| format!("is {} true?", self.name))
    }
}

fn step(kind: &str, name: &str) -> StepPlan {
    let requests = vec![format!("POST {name}")];
    StepPlan::new(name, Component::Library, json!({ "kind": kind }), "because", requests)
}

fn owes(what: &str) -> Obligation {
    Obligation::ResumeExporting {
        gateway: what.to_owned(),
        version: "8.6.0".parse().unwrap(),
        mode: PauseMode::Soft,
        replicas: BTreeMap::new(),
    }
}

fn bracket(open: &str, body: Vec<Stage>, abort: Option<&str>) -> Stage {
    Stage::Bracket(Box::new(Bracket {
        owes: owes(open),
        open: step("opening", open),
        body,
        abort: abort.map(|name| step("make", name)),
        close: step("closing", &format!("end of {open}")),
    }))
}

fn gate() -> Stage {
    let mut gate = step("gate", "all is saved");
    gate.gate = true;
    Stage::Together(vec![gate])
}

/// The whole plan.
fn stages() -> Vec<Stage> {
    let copies = ["copy a", "copy b", "copy c"].map(|name| step("make", name)).to_vec();
    let inner = bracket("frozen", vec![Stage::Together(vec![step("long", "build new")])], Some("undo new"));
    vec![
        gate(),
        Stage::Group(Group { steps: copies, at_once: 2, limit: Duration::from_secs(120) }),
        bracket("entrance closed", vec![Stage::Together(vec![step("destroy", "delete old")]), inner], None),
        Stage::Together(vec![step("word", "all is well")]),
    ]
}
