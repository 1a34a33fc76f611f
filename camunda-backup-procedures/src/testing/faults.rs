//! Scripted faults: what happens to a request on its way, and to which one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use camunda_backup_core::{Component, Request, Result};

use super::operations;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is refused; nothing arrives.
    Refuse,
    /// The connection breaks before the request arrives; the sender cannot know.
    LoseBefore,
    /// The request takes effect, and the answer is lost.
    LoseAfter,
    /// The request takes effect this much later than it was sent.
    Delay(Duration),
    /// Nothing takes effect; the answer is HTTP 200 with a 500 inside, as the exporting actuator wraps it.
    Envelope500,
    /// The request takes effect, and the answer is HTTP 200 with a 500 inside.
    Envelope500After,
    /// Nothing takes effect; the answer has this status and no body.
    Status(u16),
    /// The request takes effect, and the answer has this status and no body.
    StatusAfter(u16),
    /// The request takes effect; half of the answer arrives.
    TruncatedBody,
    /// The request takes effect; the answer is 200 and no JSON.
    Garbage,
    /// The request takes effect; its answer drips until the read time-out strikes.
    SlowDrip,
    /// No answer at all until the time-out; nothing takes effect.
    Hang,
}

/// A request that the simulated cluster has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenRequest {
    /// Its number since the recording began, from 0.
    pub number: usize,
    /// Whom it was for.
    pub component: Component,
    /// Its operation; `unknown` for a request over a socket that none of the clients makes.
    pub operation: &'static str,
    /// Method and URL, as sent.
    pub line: String,
    /// The body, as text.
    pub body: String,
    /// When, in simulated time since the cluster began.
    pub at: Duration,
    /// The fault that met it.
    pub fault: Option<Fault>,
}

type Condition = Arc<dyn Fn(&SeenRequest) -> bool + Send + Sync>;

/// A fault for the requests that a condition picks, for a number of times. It applies to the requests of this library and
/// to those that arrive over a socket of [`SimulatedCluster::serve`](super::SimulatedCluster::serve).
///
/// Cheap to clone; clones count together. Keep one to ask [`Rule::hits`] afterwards.
///
/// ```
/// use camunda_backup_core::Component;
/// use camunda_backup_procedures::testing::{Fault, Rule, SimulatedCluster, StoreKind};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
/// let rule = Rule::operation("history.backups.create", Fault::Status(503))?.only(Component::Tasklist).times(2);
/// simulated.inject(rule.clone());
/// assert_eq!(rule.hits(), 0, "nobody has asked Tasklist yet");
///
/// let misspelt = Rule::operation("history.backup.create", Fault::Status(503)).unwrap_err();
/// assert!(misspelt.report().contains("history.backups.create"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Rule {
    condition: Condition,
    fault: Fault,
    times: usize,
    hits: Arc<AtomicUsize>,
}

impl Rule {
    /// `fault` for the request with this number.
    pub fn nth(number: usize, fault: Fault) -> Self {
        Self::when(move |request| request.number == number, fault)
    }

    /// `fault` for every request of an operation, such as `zeebe.exporting.pause`, until told otherwise.
    /// [`operations`](super::operations()) lists them.
    ///
    /// # Errors
    /// `Config` for a name that no operation has; the advice lists the most similar ones.
    pub fn operation(operation: &str, fault: Fault) -> Result<Self> {
        let operation = operations::named(operation)?;
        Ok(Self::when(move |request| request.operation == operation, fault))
    }

    /// `fault` for every request to a component, until told otherwise.
    pub fn component(component: Component, fault: Fault) -> Self {
        Self::when(move |request| request.component == component, fault)
    }

    /// `fault` for every request that the condition picks.
    pub fn when(condition: impl Fn(&SeenRequest) -> bool + Send + Sync + 'static, fault: Fault) -> Self {
        Self { condition: Arc::new(condition), fault, times: usize::MAX, hits: Arc::default() }
    }

    /// Only for requests to this component, such as one of the two applications that share an operation.
    #[must_use]
    pub fn only(self, component: Component) -> Self {
        let picks = self.condition;
        Self { condition: Arc::new(move |request| request.component == component && picks(request)), ..self }
    }

    /// At most so many times.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// How many requests have met the fault so far.
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// The fault for a request, if the rule picks it; counts it.
    pub(super) fn apply(&self, request: &SeenRequest) -> Option<Fault> {
        let picked = self.hits() < self.times && (self.condition)(request);
        self.hits.fetch_add(usize::from(picked), Ordering::SeqCst);
        picked.then_some(self.fault)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("fault", &self.fault)
            .field("times", &self.times)
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}

/// A request as the record keeps it.
pub(super) fn seen(number: usize, request: &Request, at: Duration) -> SeenRequest {
    SeenRequest {
        number,
        component: request.component.clone(),
        operation: request.operation,
        line: format!("{} {}", request.method, request.url),
        body: String::from_utf8_lossy(&request.body).into_owned(),
        at,
        fault: None,
    }
}
