//! The backup of a web application or of Optimize, judged by the application's word and the store's.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Component, Error, Result};
use camunda_backup_es::Flavor;
use camunda_backup_zeebe::{BackupState, HistoryBackup, HistoryBackups, OptimizeBackups};
use serde_json::{Value, json};

use super::elsewhere::Elsewhere;
use super::parts::{self, Look, Stored};
use super::{Check, Progress, Step};
use crate::backup::context::Context;
use crate::backup::evidence::{Evidence, Parts};
use crate::backup::store_timeout;
use crate::engine::{Amount, Unit};

/// Whose backup it is.
#[derive(Debug)]
pub(super) enum Source {
    App(HistoryBackups),
    Optimize(OptimizeBackups),
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::App(client) => client.component().to_string(),
            Self::Optimize(_) => "optimize".to_owned(),
        }
    }

    async fn status(&self, id: BackupId) -> Result<HistoryBackup> {
        let said = match self {
            Self::App(client) => client.status(id).await,
            Self::Optimize(client) => client.status(id).await,
        }?;
        match said.id.filter(|other| *other != id.value()) {
            None => Ok(said),
            Some(other) => {
                let message = format!("{} was asked for backup {id} and answered about {other}", self.name());
                Err(Error::new(ErrorKind::Decode, message))
            }
        }
    }
}

/// One application's backup under the run's id.
#[derive(Debug)]
pub(super) struct History {
    context: Context,
    source: Source,
    elsewhere: Mutex<Elsewhere>,
}

/// How long an application is waited for alone. Then the store is asked as well: a look must not take longer than
/// exporting may stay paused for it, and one witness that is silent must not silence the other.
const ALONE: Duration = Duration::from_secs(2);

impl History {
    pub(super) fn new(context: Context, source: Source) -> Self {
        Self { context, source, elsewhere: Mutex::default() }
    }

    fn judge_both(&self, said: Result<HistoryBackup>, look: Result<Look>) -> Result<Check> {
        if let (Ok(backup), Ok(look)) = (&said, &look) {
            let app = self.source.name();
            let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(check) = elsewhere.judge(&app, backup, look) {
                return Ok(check);
            }
        }
        if let Ok(backup) = &said {
            if backup.state == BackupState::InProgress {
                return Ok(Check::Pending(running(mark(backup), parts_done(backup))));
            }
        }
        match (said, look.map(|look| look.stored)) {
            // It will never tell, and the store decides anyway.
            (Err(error), Ok(Stored::Nothing)) if never_tells(&error) => Ok(Check::NotStarted),
            // An application that can't tell and a store without a trace: nothing is known.
            (Err(error), Ok(Stored::Nothing | Stored::NoStore) | Err(_)) => Err(perhaps_tasklist(error)),
            (Ok(_), Err(error)) => Err(error),
            (said, Ok(stored)) => {
                let store = self.context.clients.store.as_ref();
                let flavor = store.map(|(store, _)| store.info().version.flavor);
                Ok(judge(&self.source.name(), said, stored, flavor))
            }
        }
    }

    /// Whether the application's word alone will do: it works, and every part that it has begun was seen in the store.
    fn is_enough(&self, backup: &HistoryBackup) -> bool {
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        backup.state == BackupState::InProgress && elsewhere.has_seen_all(backup)
    }

    /// The application has not answered for a while. What the store knows decides, unless it knows nothing.
    async fn check_with_both(
        &self,
        mut asked: Pin<&mut (impl Future<Output = Result<HistoryBackup>> + Send)>,
    ) -> Result<Check> {
        let app = self.source.name();
        let mut looked = std::pin::pin!(parts::look(&self.context.clients, &app, self.context.task.id));
        tokio::select! {
            said = asked.as_mut() => match said {
                Ok(backup) if self.is_enough(&backup) => Ok(Check::Pending(running(mark(&backup), parts_done(&backup)))),
                said => self.judge_both(said, looked.await),
            },
            look = looked.as_mut() => match look {
                Ok(Look { stored: Stored::Nothing | Stored::NoStore, .. }) | Err(_) => self.judge_both(asked.await, look),
                look => self.judge_both(Err(silent(&app)), look),
            },
        }
    }
}

#[async_trait]
impl Step for History {
    async fn check(&self) -> Result<Check> {
        let id = self.context.task.id;
        let mut asked = std::pin::pin!(self.source.status(id));
        let Ok(said) = tokio::time::timeout(ALONE, asked.as_mut()).await else {
            return self.check_with_both(asked).await;
        };
        if let Ok(backup) = &said {
            if self.is_enough(backup) {
                return Ok(Check::Pending(running(mark(backup), parts_done(backup))));
            }
        }
        let look = parts::look(&self.context.clients, &self.source.name(), id).await;
        self.judge_both(said, look)
    }

    async fn act(&self) -> Result<Value> {
        match &self.source {
            Source::App(client) => {
                let scheduled = client.create(self.context.task.id).await?;
                let names: Vec<&str> =
                    scheduled.snapshots.iter().map(camunda_backup_core::SnapshotName::as_str).collect();
                Ok(json!({ "scheduledSnapshots": names }))
            }
            Source::Optimize(client) => client.create(self.context.task.id).await.map(|_| Value::Null),
        }
    }
}

/// Whether the application's status is of no use at all: not allowed, too long, or about something else.
fn never_tells(error: &Error) -> bool {
    let not_allowed = error.status().is_some_and(|status| status.as_u16() == 405);
    not_allowed || matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::BodyTooLarge | ErrorKind::Decode)
}

/// An id that is not known is a 400 or 404 of Operate and a 500 without words of Tasklist (Q3).
fn perhaps_tasklist(error: Error) -> Error {
    let operate = error.component() == Some(&Component::Operate);
    let without_words = error.server_said().is_none_or(|said| said == "Internal Server Error");
    if operate && without_words && error.status().is_some_and(|status| status.as_u16() == 500) {
        return error.with_advice(
            "Tasklist answers like this to an id that it does not know, Operate does not: check that the address is \
             Operate's own, else read Operate's log",
        );
    }
    error
}

fn silent(app: &str) -> Error {
    Error::new(ErrorKind::Timeout, format!("{app} did not say within {ALONE:?} how far its backup is"))
}

/// Two witnesses, one judgement. The store wins.
fn judge(app: &str, said: Result<HistoryBackup>, stored: Stored, flavor: Option<Flavor>) -> Check {
    let state = said.as_ref().map(|backup| &backup.state);
    match (&state, stored) {
        (_, Stored::Broken(why)) => Check::Failed(format!("{app}: {why}")),
        (_, Stored::Running { mark, amount }) => Check::Pending(running(mark, amount)),
        (Ok(BackupState::Completed), Stored::Complete { snapshots, version }) => {
            Check::Reached(evidence(app, said.ok(), snapshots, Some(version), None))
        }
        // Nobody contradicts the store, so there is nothing to wait for.
        (Err(error), Stored::Complete { snapshots, version }) => {
            let silence = format!("{app} could not say ({}), the store has every part", error.message());
            Check::Reached(evidence(app, None, snapshots, Some(version), Some(silence)))
        }
        (Ok(_), Stored::Complete { snapshots, version }) => {
            let word = word_of(&said);
            let disagreement = format!("the application says {word}, the store has every part");
            let evidence = evidence(app, said.ok(), snapshots, Some(version), Some(disagreement.clone()));
            let progress =
                Progress { mark: word, text: disagreement, settled: Some(evidence), ..Progress::default() };
            Check::Pending(progress)
        }
        (Ok(BackupState::Completed), Stored::NoStore) => {
            Check::Reached(evidence(app, said.ok(), Vec::new(), None, None))
        }
        (Ok(state), Stored::Nothing | Stored::Incomplete { .. } | Stored::NoStore)
            if state.is_terminal_failure() =>
        {
            let words = said.as_ref().ok().and_then(|backup| backup.failure.clone());
            let words = words.filter(|words| !words.is_empty());
            Check::Failed(match words {
                Some(words) => format!("{app} says {state}: {words}"),
                None => format!("{app} says {state} and gives no reason: read its log"),
            })
        }
        (Ok(BackupState::NotVisible), Stored::Nothing | Stored::NoStore) => Check::NotStarted,
        (_, Stored::Incomplete { have, of, mark }) => {
            Check::Pending(half_way(app, &word_of(&said), (have, of), &mark, flavor))
        }
        (_, Stored::Nothing | Stored::NoStore) => {
            let word = word_of(&said);
            let text = format!("{app} says {word}, the store has nothing of it");
            Check::Pending(Progress { mark: word, text, ..Progress::default() })
        }
    }
}

fn half_way(app: &str, word: &str, (have, of): (usize, u32), mark: &str, flavor: Option<Flavor>) -> Progress {
    let setting = store_timeout::setting(app, flavor);
    Progress {
        mark: format!("{word}|{mark}"),
        text: format!("{app} says {word}, the store has {have} of {of} parts ({mark}) and none is running"),
        advice: Some(format!(
            "if the last part took longer than 30 s, the application's store client gave up: raise \
             {setting} (ms) above the longest part; else look for a restart or an \
             error in the application's log. The id is used up"
        )),
        amount: Some(Amount::new(have as u64, u64::from(of), Unit::Parts)),
        ..Progress::default()
    }
}

pub(super) fn running(mark: String, amount: Option<Amount>) -> Progress {
    Progress { text: mark.clone(), mark, amount, running: true, ..Progress::default() }
}

/// How many of the parts that the application lists are stored.
fn parts_done(backup: &HistoryBackup) -> Option<Amount> {
    let done = backup.parts.iter().filter(|part| part.state.as_deref() == Some("SUCCESS")).count();
    let total = backup.parts.len();
    (total > 0).then(|| Amount::new(done as u64, total as u64, Unit::Parts))
}

fn mark(backup: &HistoryBackup) -> String {
    let parts =
        backup.parts.iter().map(|part| format!("{}={}", part.name, part.state.as_deref().unwrap_or("?")));
    parts.collect::<Vec<_>>().join(",")
}

fn word_of(said: &Result<HistoryBackup>) -> String {
    match said {
        Ok(backup) => backup.state.to_string(),
        Err(error) => format!("nothing ({})", error.message()),
    }
}

fn evidence(
    app: &str,
    application: Option<HistoryBackup>,
    snapshots: Vec<camunda_backup_es::SnapshotInfo>,
    version: Option<String>,
    disagreement: Option<String>,
) -> Evidence {
    Evidence::Parts(Parts { app: app.to_owned(), application, snapshots, version, disagreement })
}

pub(super) fn no_optimize() -> Error {
    Error::new(ErrorKind::Config, "the plan backs up Optimize, and no Optimize address is configured")
}
