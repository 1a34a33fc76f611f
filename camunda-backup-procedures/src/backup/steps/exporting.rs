//! Pausing exporting, and looking whether it is still paused or running.

use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Component, Error, Result};
use camunda_backup_zeebe::{PauseAnswer, PauseMode};
use serde_json::{Value, json};

use super::standstill::{Movement, Standstill};
use super::{Check, Progress, Step};
use crate::backup::context::Context;
use crate::backup::evidence::Evidence;
use crate::backup::spec::Limits;
use crate::exporting::{Certainty, Window};
use crate::exporting::{Exporting, Frame, look, nobody_has_joined};
use crate::replicas::replicas_of;

/// A pause that cannot be seen everywhere is a pause all the same for those brokers that have it, so there is less
/// patience with it than with a part of a backup.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens the bracket: exporting paused on every replica.
#[derive(Debug)]
pub(super) struct Pause {
    context: Context,
    mode: PauseMode,
    still: Standstill,
}

impl Pause {
    pub(super) fn new(context: Context, mode: PauseMode) -> Self {
        Self { context, mode, still: Standstill::default() }
    }

    /// Why a pause that is seen everywhere does not count yet: only a hard one goes on acknowledging for a while.
    fn still_moving(&self, window: &Window) -> Option<Check> {
        if self.mode != PauseMode::Hard {
            return None;
        }
        match self.still.note(window.exported_positions()) {
            Movement::StandStill => None,
            Movement::Unclear(positions) => Some(coming_to_rest(&positions)),
            Movement::GoOn(positions) => Some(Check::Failed(format!(
                "every replica says that it is paused, and the exported positions go on moving: {positions}"
            ))),
        }
    }
}

#[async_trait]
impl Step for Pause {
    async fn check(&self) -> Result<Check> {
        if let Some(positions) = self.still.too_early() {
            return Ok(coming_to_rest(&positions));
        }
        let (exporting, window) = look_at(&self.context).await?;
        if matches!(exporting, Exporting::Everywhere | Exporting::NoWitness) {
            let (clients, planned) = (&self.context.clients, &self.context.task.pinned.replicas);
            if !nobody_has_joined(clients, &window, planned).await? {
                // They would be paused too, and are not in what is owed.
                return Ok(Check::Foreign(
                    "brokers or replicas have joined since the plan was made".to_owned(),
                ));
            }
        }
        Ok(match exporting {
            Exporting::Everywhere => Check::NotStarted,
            Exporting::Paused(mode) if mode == self.mode => match self.still_moving(&window) {
                Some(moving) => moving,
                None if window.certainty == Certainty::Believed => {
                    Check::PartlySeen(Evidence::Window(window))
                }
                None => Check::Reached(Evidence::Window(window)),
            },
            Exporting::Paused(mode) => {
                Check::Foreign(format!("exporting is paused in another mode ({mode:?})"))
            }
            Exporting::Mixed(how) | Exporting::Stopped(how) => pending(how),
            Exporting::Unseen(why) => return Err(unseen(&why)),
            Exporting::NoWitness => {
                let moving = if self.still.has_begun() { self.still_moving(&window) } else { None };
                let unreadable = || Evidence::Window(Window { mode: Some(self.mode), ..window });
                moving.unwrap_or_else(|| Check::Unreadable(unreadable()))
            }
        })
    }

    fn patience(&self, limits: &Limits) -> Duration {
        limits.grace.min(PATIENCE)
    }

    async fn act(&self) -> Result<Value> {
        let (clients, replicas) = (&self.context.clients, &self.context.task.pinned.replicas);
        let frame = Frame::open(clients, replicas).await;
        let answer = clients.exporting.pause(self.mode).await?;
        frame.close(clients, replicas).await?;
        self.still.begin();
        match answer {
            PauseAnswer::Bare204 if self.mode == PauseMode::Soft => Err(Error::new(
                ErrorKind::Unsupported,
                "the server answered a bare 204 to a soft pause: it does not know soft pause and has paused hard",
            )
            .with_component(Component::Zeebe)
            .with_operation("zeebe.exporting.pause")
            .with_outcome(Outcome::Unknown)
            .with_advice("check the exact version of every broker and gateway; exporting is being resumed")),
            answer => Ok(json!({ "answer": format!("{answer:?}") })),
        }
    }
}

/// Looks at the end of the window whether the pause held and the topology is the same.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) context: Context,
    pub(super) mode: PauseMode,
}

#[async_trait]
impl Step for Hold {
    async fn check(&self) -> Result<Check> {
        let (exporting, window) = look_at(&self.context).await?;
        if let Some(topology) = &window.topology {
            if replicas_of(topology) != self.context.task.pinned.replicas {
                return Ok(Check::Failed(
                    "brokers or replicas changed while exporting was paused".to_owned(),
                ));
            }
        }
        Ok(match exporting {
            Exporting::Paused(mode) if mode == self.mode => Check::Reached(Evidence::Window(window)),
            Exporting::NoWitness => {
                Check::Reached(Evidence::Window(Window { mode: Some(self.mode), ..window }))
            }
            Exporting::Unseen(why) => return Err(unseen(&why)),
            Exporting::Everywhere => Check::Failed("the pause did not hold: exporting runs".to_owned()),
            Exporting::Paused(mode) => {
                Check::Failed(format!("the pause did not hold: the mode is now {mode:?}"))
            }
            Exporting::Mixed(how) | Exporting::Stopped(how) => {
                Check::Failed(format!("the pause did not hold everywhere: {how}"))
            }
        })
    }

    async fn act(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    fn patience(&self, limits: &Limits) -> Duration {
        limits.grace.min(PATIENCE)
    }

    fn only_looks(&self) -> bool {
        true
    }
}

/// Looks whether exporting runs on every replica. The resume itself is the bracket's `close`.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) context: Context,
}

#[async_trait]
impl Step for Running {
    async fn check(&self) -> Result<Check> {
        let (exporting, window) = look_at(&self.context).await?;
        Ok(match exporting {
            Exporting::Everywhere => Check::Reached(Evidence::Window(window)),
            Exporting::NoWitness => Check::Unreadable(Evidence::Window(window)),
            Exporting::Unseen(why) => return Err(unseen(&why)),
            Exporting::Paused(mode) => pending(format!("paused ({mode:?})")),
            Exporting::Mixed(how) | Exporting::Stopped(how) => pending(how),
        })
    }

    async fn act(&self) -> Result<Value> {
        self.context.clients.exporting.resume().await.map(|()| Value::Null)
    }
}

async fn look_at(context: &Context) -> Result<(Exporting, Window)> {
    look(&context.clients, &context.task.pinned.replicas, context.clock.as_ref()).await
}

/// Nothing is asked meanwhile, so nobody says that it is running; but there is nothing else to wait for.
fn coming_to_rest(positions: &str) -> Check {
    let text = format!("paused; what was exported before is being acknowledged ({positions})");
    Check::Pending(Progress { mark: text.clone(), text, running: true, ..Progress::default() })
}

fn pending(how: String) -> Check {
    Check::Pending(Progress { mark: how.clone(), text: how, ..Progress::default() })
}

pub(super) fn unseen(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("what exporting does cannot be seen: {why}"))
        .with_component(Component::Zeebe)
        .with_advice("make every broker's management address reachable")
}
