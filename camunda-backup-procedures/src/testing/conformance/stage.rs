//! Where a scenario acts: every step notes what was answered and what the client made of it.

use std::time::Duration;

use camunda_backup_core::{Error, Result};

use super::observed::{Block, Observed, Step};
use super::tape::{self, Exchange};
use super::world::World;

/// How often something that is waited for is looked at: often enough to see the states between.
const PACE: Duration = Duration::from_millis(50);
/// Longer than any scenario's backup or restore takes on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// One scenario on one world.
pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    observed: Observed,
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: &'a World, scenario: &str) -> Self {
        world.tape.take();
        Self { world, observed: Observed { scenario: scenario.to_owned(), steps: Vec::new() } }
    }

    /// Does one thing; its result is a word of `tell`, or the error's kind, type and words.
    pub(super) async fn step<T>(
        &mut self,
        what: &str,
        doing: impl Future<Output = Result<T>>,
        tell: impl FnOnce(&T) -> String,
    ) -> Result<T> {
        self.world.tape.take();
        let result = doing.await;
        let mut blocks = tape::blocks(self.world.tape.take(), "");
        let told = match &result {
            Ok(value) => tell(value),
            Err(error) => self.told(error),
        };
        blocks.push(Block { head: format!("= {told}"), paths: Vec::new() });
        self.observed.steps.push(Step { what: what.to_owned(), states: Vec::new(), blocks });
        result
    }

    /// Does one thing of which only matters whether it works.
    pub(super) async fn ask<T>(&mut self, what: &str, doing: impl Future<Output = Result<T>>) {
        let _ = self.step(what, doing, |_| "ok".to_owned()).await;
    }

    /// Looks until `word` gives an end, and notes every state on the way.
    ///
    /// # Errors
    /// The error of a look, or that the end never came.
    pub(super) async fn watch<T>(
        &mut self,
        what: &str,
        look: impl AsyncFn() -> Result<T>,
        word: impl Fn(&T) -> Seen,
    ) -> Result<T> {
        self.world.tape.take();
        let (mut step, mut passing) =
            (Step { what: what.to_owned(), ..Step::default() }, Vec::<(String, Vec<Exchange>)>::new());
        let rounds = LIMIT.as_millis() / PACE.as_millis();
        for _ in 0..rounds {
            let looked = look().await;
            let exchanges = self.world.tape.take();
            let (word, ended) = match &looked {
                Ok(value) => word(value).parts(),
                Err(error) => (self.told(error), false),
            };
            if !step.states.contains(&word) || ended {
                step.states.retain(|state| *state != word);
                step.states.push(word.clone());
            }
            if ended {
                let before = passing
                    .into_iter()
                    .flat_map(|(word, exchanges)| tape::blocks(exchanges, &format!("while {word}: ")));
                step.blocks.extend(before);
                step.blocks.extend(tape::blocks(exchanges, ""));
                self.observed.steps.push(step);
                return looked;
            }
            match passing.iter_mut().find(|(known, _)| *known == word) {
                Some((_, known)) => known.extend(exchanges),
                None => passing.push((word, exchanges)),
            }
            tokio::time::sleep(PACE).await; // the pace of a bounded wait
        }
        step.states.push("no end within the limit".to_owned());
        self.observed.steps.push(step);
        Err(Error::new(
            camunda_backup_core::ErrorKind::DeadlineExceeded,
            format!("{what}: no end within two minutes"),
        ))
    }

    /// The end of the scenario; an error that stopped it shows as steps that are missing.
    pub(super) fn end(self, _: Result<()>) -> Observed {
        self.observed
    }

    /// An error without anything that differs from one installation to the next.
    fn told(&self, error: &Error) -> String {
        let status = error.status().map_or_else(String::new, |status| format!(" {}", status.as_u16()));
        let kind = error.server_type().map_or_else(String::new, |kind| format!(" {kind}"));
        let said = error.server_said().unwrap_or_else(|| error.message());
        // A whole body is compared by its shape.
        let said =
            if said.starts_with('{') { "a body".to_owned() } else { self.world.tape.words().sentence(said) };
        format!("{:?}/{:?}{status}{kind}: {said}", error.kind(), error.outcome())
    }
}

/// What one look showed.
pub(super) enum Seen {
    /// A state that passes.
    Passing(String),
    /// The state that was waited for.
    End(String),
}

impl Seen {
    /// One or the other.
    pub(super) fn when(ended: bool, word: impl Into<String>) -> Self {
        if ended { Self::End(word.into()) } else { Self::Passing(word.into()) }
    }

    fn parts(self) -> (String, bool) {
        match self {
            Self::Passing(word) => (word, false),
            Self::End(word) => (word, true),
        }
    }
}
