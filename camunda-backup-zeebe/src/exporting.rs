//! Pausing and resuming what brokers export. Success of these calls is never proof: the phases are
//! ([`Partitions`](crate::Partitions)).

mod envelope;

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Call, Effect, Error, HttpClient, Response, Result};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, FromAnswer, text};
use crate::dialect::{Dialect, ExportingApi};
use crate::forbidden;
use crate::open_enum::open_enum;
use crate::refusal;

const PAUSE: &str = "zeebe.exporting.pause";
const RESUME: &str = "zeebe.exporting.resume";
const STATUS: &str = "zeebe.exporting.status";

const AFTER_A_PAUSE: &str = "a pause that failed has paused every broker that could be reached: resume exporting, then look at the phase of \
     every replica";
const AFTER_A_RESUME: &str = "exporting may still be paused: while a broker is down the gateway refuses, then POST \
     /actuator/partitions/resumeExporting on each broker; look at the phase of every replica";

/// How exporting is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PauseMode {
    /// Records are still exported; the acknowledged position is frozen, so the log is not compacted.
    Soft,
    /// Nothing is exported.
    Hard,
}

/// How a pause was answered. What it says about the phases is the reader's to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PauseAnswer {
    /// 200 with a success inside: the form of versions that know soft pause, up to 8.9.
    Envelope,
    /// A bare 204 from a version below 8.10: it has paused **hard**, whatever was asked for.
    Bare204,
    /// A 204 where that is the regular form: 8.10, over REST and in later builds on the management port too.
    Rest,
}

open_enum! {
    /// What exporting does over all replicas (8.10).
    ExportingStatus {
        /// Every replica exports.
        Exporting = "EXPORTING",
        /// Every replica is paused hard.
        Paused = "PAUSED",
        /// Every replica is paused softly.
        SoftPaused = "SOFT_PAUSED",
        /// Some do this, some that.
        Mixed = "MIXED",
    }
}

impl FromAnswer for ExportingStatus {
    fn from_answer(json: &Value) -> Result<Self, String> {
        text(json, "status").map(|word| Self::from_word(&word)).ok_or_else(|| "no status".to_owned())
    }
}

/// Pause and resume for the whole cluster: `/actuator/exporting` (8.1+), `/v2/exporting` (8.10).
#[derive(Debug, Clone)]
pub struct Exporting {
    http: HttpClient,
    dialect: Dialect,
}

impl Exporting {
    /// A client for one gateway. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// A POST that the engine repeats, not the client: after a failure it looks at the phases first.
    fn post(&self, operation: &'static str, verb: &str) -> Call {
        let base = if self.dialect.exporting == ExportingApi::Rest { "/v2" } else { "/actuator" };
        let mut call = Call::post(operation, Effect::Idempotent, format!("{base}/exporting/{verb}"));
        call.max_retries = 0;
        self.dialect.with_empty_body(call)
    }

    /// The request that pauses: `?soft=true` for a soft pause and no parameter for a hard one. `?soft`, `?soft=` and
    /// `soft=false` would all be hard.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a soft pause on a version that would ignore the parameter and pause
    /// hard: 8.1, 8.2 below .27, 8.3 below .11, 8.4 below .7, 8.5.0.
    pub fn pause_call(&self, mode: PauseMode) -> Result<Call> {
        let call = self.post(PAUSE, "pause");
        match mode {
            PauseMode::Hard => Ok(call),
            PauseMode::Soft if self.dialect.soft_pause => Ok(call.query("soft", true)),
            PauseMode::Soft => {
                let message = format!(
                    "this patch of Zeebe {} has no soft pause; it would pause hard",
                    self.dialect.name
                );
                Err(refusal::unsupported(&self.http, PAUSE, message).with_advice(
                    "use a hard pause, or update to 8.2.27, 8.3.11, 8.4.7, 8.5.1 or a later version",
                ))
            }
        }
    }

    /// The request that resumes. It never mentions a pause.
    pub fn resume_call(&self) -> Call {
        self.post(RESUME, "resume")
    }

    /// Pauses exporting on every replica of every partition.
    ///
    /// # Guarantees
    /// The request leaves once. Success is hearsay: just after a gateway's start it is answered and nothing happens
    /// (8.4, 8.5), and replicas that join later do not know of the pause.
    ///
    /// # Cancellation
    /// Dropping the future leaves it unknown which partitions are paused: owe a resume before calling this.
    ///
    /// # Errors
    /// A 200 that wraps a failure is [`ServerError`](ErrorKind::ServerError) with
    /// [`Outcome::Unknown`]: a failed pause may have paused some brokers.
    pub async fn pause(&self, mode: PauseMode) -> Result<PauseAnswer> {
        let sent = self.http.send(self.pause_call(mode)?).await;
        sent.and_then(|response| self.judged(PAUSE, &response))
            .map_err(|error| self.advised(error, AFTER_A_PAUSE))
    }

    /// Resumes exporting on every replica of every partition.
    ///
    /// # Guarantees
    /// The request leaves once; repeating it is harmless. Success is hearsay, as in [`Self::pause`].
    ///
    /// # Cancellation
    /// Dropping the future leaves the effect unknown.
    ///
    /// # Errors
    /// Refused by the gateway while any replica is unreachable, also where a pause was refused for that reason; then
    /// [`Partitions::resume_exporting`](crate::Partitions::resume_exporting) works broker by broker.
    pub async fn resume(&self) -> Result<()> {
        let sent = self.http.send(self.resume_call()).await;
        let judged = sent.and_then(|response| self.judged(RESUME, &response));
        judged.map(|_| ()).map_err(|error| self.advised(error, AFTER_A_RESUME))
    }

    /// What to do after a failure; before it, what stands in the way where nobody of Zeebe has answered.
    fn advised(&self, error: Error, afterwards: &str) -> Error {
        use ErrorKind::{Config, Connect, Forbidden, NotFound, Unauthorized, WrongComponent};
        let error = forbidden::explained(error, &self.http);
        let in_the_way = match error.kind() {
            Config | Connect | Forbidden | NotFound | Unauthorized | WrongComponent => error.advice(),
            _ => None,
        };
        let advice = match in_the_way {
            Some(first) => format!("{first}. {afterwards}"),
            None => afterwards.to_owned(),
        };
        error.with_advice(advice)
    }

    /// Reads what exporting does over all replicas.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) unless the dialect speaks the REST API of 8.10; before it there is no
    /// such thing, and each broker is to be asked.
    pub async fn status(&self) -> Result<ExportingStatus> {
        if self.dialect.exporting != ExportingApi::Rest {
            let message = "there is no cluster-wide exporting status below the REST API of 8.10";
            return Err(refusal::unsupported(&self.http, STATUS, message)
                .with_advice("ask each broker for its partitions"));
        }
        let response = self.http.send(Call::get(STATUS, "/v2/exporting")).await?;
        let Answer(status) = self.http.decode(STATUS, Effect::Read, None, &response)?;
        Ok(status)
    }

    fn judged(&self, operation: &'static str, response: &Response) -> Result<PauseAnswer> {
        judge(self.dialect.exporting, response.status, &response.body).map_err(|failure| {
            let error = Error::new(ErrorKind::ServerError, failure.message)
                .with_component(self.http.component().clone())
                .with_operation(operation)
                .with_status(response.status)
                .with_outcome(Outcome::Unknown);
            match failure.words {
                Some(words) => error.with_server_said(&words),
                None => error,
            }
        })
    }
}

/// The one rule over all versions: a 204, or a 2xx whose body wraps a status of 200 … 299. Everything else is a failure.
fn judge(api: ExportingApi, status: StatusCode, body: &[u8]) -> Result<PauseAnswer, envelope::Failure> {
    if status == StatusCode::NO_CONTENT {
        return Ok(match api {
            ExportingApi::EnvelopeOr204 | ExportingApi::Rest => PauseAnswer::Rest,
            ExportingApi::Plain204 | ExportingApi::Envelope => PauseAnswer::Bare204,
        });
    }
    envelope::open(body).map(|()| PauseAnswer::Envelope)
}

#[cfg(test)]
mod tests;
