//! One Camunda cluster: connect, plan, run, recover, abandon. The paved path.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Clock, Component, Error, Result, SystemClock, Transport};

use crate::clients::Handles;
use crate::config::ClusterConfig;
use crate::discover::{Discovery, discover};
use crate::engine::ProgressObserver;
use crate::facts::Facts;
use crate::journal::{Bounded, Claim, FileJournal, Journal, claim};
use crate::leftovers::{self, Abandoned};
use crate::plan::Plan;
use crate::planner::{choose_id, plan_backup};
use crate::preflight::{Finding, preflight};
use crate::recover::{self, RecoveryReport};
use crate::report::{Failure, Report};
use crate::run::{self, RunHandle};
use crate::spec::BackupSpec;

/// Everything that clones of a cluster share.
pub(crate) struct Shared {
    pub(crate) config: ClusterConfig,
    pub(crate) handles: Handles,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Option<Arc<dyn ProgressObserver>>,
    used: Mutex<Option<BackupId>>,
}

impl Shared {
    /// Notes that a run was started with this id, whatever becomes of it.
    pub(crate) fn use_up(&self, id: BackupId) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = (*used).max(Some(id));
    }

    fn highest_used(&self) -> Option<BackupId> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims the cluster for this process; refused with the holder's name.
    pub(crate) async fn claim(&self) -> Result<Claim> {
        let journal = Arc::clone(&self.journal);
        claim(journal, &self.config.name, "camunda-backup", self.clock.now()).await
    }
}

/// What connecting needs beside the configuration. Everything has a default but the transport without the `reqwest`
/// feature.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Parts {
    /// Sends the requests. Default: reqwest with rustls.
    pub transport: Option<Arc<dyn Transport>>,
    /// Keeps what is owed. Default: a [`FileJournal`] in the configured directory.
    pub journal: Option<Arc<dyn Journal>>,
    /// Tells wall time. Default: the system's clock.
    pub clock: Option<Arc<dyn Clock>>,
    /// Is told the events of every run; see [`ProgressObserver`].
    pub observer: Option<Arc<dyn ProgressObserver>>,
}

impl Parts {
    /// With the journal in the configured directory, even if nothing more can be written there.
    async fn into_recovering(mut self, config: ClusterConfig) -> Result<Shared> {
        if let (None, Some(directory)) = (&self.journal, &config.journal) {
            let opened = match FileJournal::open(directory).await {
                Ok(journal) => journal,
                Err(refused) => FileJournal::open_to_read(directory).await.map_err(|_| refused)?,
            };
            self.journal = Some(Arc::new(opened));
        }
        self.into_shared(config).await
    }

    async fn into_shared(self, config: ClusterConfig) -> Result<Shared> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport()?,
        };
        let journal: Arc<dyn Journal> = match (self.journal, &config.journal) {
            (Some(journal), _) => journal,
            (None, Some(directory)) => Arc::new(FileJournal::open(directory).await?),
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::Config,
                    "there is no journal, and nothing is paused without one",
                )
                .with_component(Component::Journal)
                .with_advice(
                    "set `journal` (CAMUNDA_BACKUP_JOURNAL) to a directory that survives the process",
                ));
            }
        };
        let journal: Arc<dyn Journal> = Arc::new(Bounded(journal));
        let handles = Handles::new(&config, &transport)?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        Ok(Shared { config, handles, journal, clock, observer: self.observer, used: Mutex::default() })
    }
}

#[cfg(feature = "reqwest")]
fn default_transport() -> Result<Arc<dyn Transport>> {
    let transport =
        camunda_backup_core::ReqwestTransport::new(camunda_backup_core::TransportConfig::default())?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport() -> Result<Arc<dyn Transport>> {
    Err(Error::new(ErrorKind::Config, "no transport was given, and the `reqwest` feature is off")
        .with_advice("give a transport in `Parts`, or turn the feature on"))
}

/// A connected cluster: what was seen of it, and the way to back it up. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
    discovery: Arc<Discovery>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.shared.config.name)
            .field("version", &self.discovery.facts.version)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// Connects with the default transport and a file journal in the configured directory.
    ///
    /// It takes about a second when everything answers, and longer while the store is busy with uploads, because it verifies
    /// the repository. Dropping the future leaves nothing behind.
    ///
    /// # Guarantees
    /// Versions, stores, topology, exporting and backups are read; nothing of the cluster is changed, except that the
    /// store verifies the repository with a test file of its own.
    ///
    /// # Errors
    /// `Config` for what is missing, `InvalidInput` for a name that cannot be one, `Connect`, `Timeout` and their like when
    /// the gateway does not answer, `Unauthorized` and `Forbidden` when it refuses, `Unsupported` for a version outside
    /// 8.1 … 8.10, `WrongComponent` when an address belongs to something else, `Journal` when nothing can be written there.
    /// What merely speaks against a backup is no error here: [`Cluster::plan_backup`] reports all of it at once.
    pub async fn connect(config: ClusterConfig) -> Result<Self> {
        Self::connect_with(config, Parts::default()).await
    }

    /// Connects with a transport, journal, clock or observer of one's own. Guarantees and errors as those of
    /// [`Cluster::connect`].
    pub async fn connect_with(config: ClusterConfig, parts: Parts) -> Result<Self> {
        config.check_addresses()?;
        // Boxed, all of it: callers would carry it inside their own futures.
        let shared = Arc::new(Box::pin(parts.into_shared(config)).await?);
        Self::seen_now(shared).await
    }

    /// The same cluster as it stands now, over the same connections. A process that lives long takes it before every
    /// backup, and after it has cured what a plan was blocked by.
    ///
    /// # Guarantees
    /// As those of [`Cluster::connect`]. This value keeps what it had seen.
    ///
    /// # Errors
    /// As those of [`Cluster::connect`].
    pub async fn reconnect(&self) -> Result<Self> {
        Self::seen_now(Arc::clone(&self.shared)).await
    }

    async fn seen_now(shared: Arc<Shared>) -> Result<Self> {
        let highest = Box::pin(recover::highest_id(&shared)).await?;
        let discovery = discover(&shared.config, &shared.handles, shared.clock.as_ref(), highest);
        let discovery = Box::pin(discovery).await?;
        Ok(Self { shared, discovery: Arc::new(discovery) })
    }

    /// What was seen when connecting or [reconnecting](Cluster::reconnect).
    pub fn facts(&self) -> &Facts {
        &self.discovery.facts
    }

    /// Plans a backup from [what was seen](Cluster::facts). Pure: sends nothing, and gives the same plan until one is
    /// started. Printing the plan is the dry run.
    ///
    /// # Errors
    /// `Blocked` with all blockers at once.
    #[allow(clippy::needless_pass_by_value)] // `plan_backup(BackupSpec::default())` is the paved path
    pub fn plan_backup(&self, spec: BackupSpec) -> Result<Plan> {
        let id = match spec.id {
            Some(id) => id,
            None => choose_id(&self.discovery.facts, self.shared.highest_used())?,
        };
        plan_backup(&self.discovery.facts, &self.discovery.clients, &spec, id)
    }

    /// All findings about a backup under an id, warnings included.
    pub fn preflight(&self, spec: &BackupSpec, id: BackupId) -> Vec<Finding> {
        preflight(&self.discovery.facts, spec, id)
    }

    /// Runs a plan to its end.
    ///
    /// # Guarantees
    /// Exporting runs again when this returns, or the error is (or has beside it) `NeedsOperator` with the exact
    /// requests to send, and the journal says what is owed. `Ok` means that every planned part was made and succeeded under
    /// one id, and that nothing that could be seen speaks against their belonging to one moment. How much of that is proven
    /// is the verdict. A backup of Zeebe alone pauses nothing.
    ///
    /// # Errors
    /// Without a report nothing was changed: `Blocked`, `Foreign`, `Claimed`, `Journal`, or what a look at the cluster
    /// failed with. With a report the id may be used up, and [`Report::leftovers`] names what is left: `Failed`,
    /// `DeadlineExceeded`, `Cancelled`, `Foreign`, `Journal`, or the kind of the answer that stopped it.
    ///
    /// # Cancellation
    /// Nothing is sent before the first poll. Dropping the future later means: stop at the next safe point and close, in
    /// the background, for as long as the runtime lives.
    pub async fn run(&self, plan: Plan) -> Result<Report, Failure> {
        self.start(plan).await.finished().await
    }

    /// Starts a run in a task of its own and returns the handle to it. Needs a tokio runtime; nothing happens before the
    /// first poll.
    #[allow(clippy::unused_async)] // so that a run that was never awaited has sent nothing
    pub async fn start(&self, plan: Plan) -> RunHandle {
        run::start(Arc::clone(&self.shared), Arc::clone(&self.discovery), plan)
    }

    /// Finishes what dead processes still owe to this cluster. See [`recover`], which is called before connecting; here,
    /// [reconnect](Cluster::reconnect) after a recovery that did something.
    ///
    /// # Errors
    /// As those of [`recover`].
    pub async fn recover(&self) -> Result<RecoveryReport> {
        Box::pin(recover::recover(&self.shared)).await
    }

    /// Deletes what the run of this id left behind, if it did not complete. Own names only, verified in the store.
    /// [Reconnect](Cluster::reconnect) before the next plan.
    ///
    /// # Errors
    /// `Foreign` when the journal does not prove that this library made it, or when it is complete; `Claimed` while a
    /// run is under way; `NeedsOperator` when it may have completed and its records cannot be read, or when it was made at
    /// another address; `Journal` when the records cannot be read at all. `Ok` with something in
    /// [`Abandoned::remaining`] means: not done, call it again.
    ///
    /// # Cancellation
    /// What was deleted is deleted; call it again for the rest. With a journal whose lock is not the operating system's, the
    /// lock stays until somebody breaks it.
    pub async fn abandon(&self, id: BackupId) -> Result<Abandoned> {
        let claim = self.shared.claim().await?;
        let abandoned = self.abandon_claimed(id).await;
        let released = claim.release().await;
        let abandoned = abandoned?;
        released?;
        Ok(abandoned)
    }

    async fn abandon_claimed(&self, id: BackupId) -> Result<Abandoned> {
        let (plan, entries, is_young) = recover::abandonable(&self.shared, id).await?;
        let clients = recover::clients_of(&self.shared, &plan)?;
        leftovers::abandon(&plan, &entries, is_young, &clients).await
    }
}

/// Finishes what dead processes still owe to a cluster: resumes exporting until every replica was seen exporting, notes
/// it, releases the claim, and says what it did. Call it once at the start of every process that runs backups.
///
/// It needs nothing of the cluster but the addresses, so it works when the cluster is too broken to connect to.
///
/// # Guarantees
/// What is owed stays in the journal until it was seen to be done. A living run is never disturbed: its claim refuses
/// this call with the holder's name. A pause that is found within an hour of one of ours that was never answered is taken
/// for that one and resumed, and so is one while a run with damaged records could owe it: nobody should pause by hand then.
///
/// # Errors
/// `Claimed` while a run is under way. `NeedsOperator` with the exact requests when exporting could not be seen running
/// within three minutes, and with words when something is owed to a gateway of another address, when a plan cannot be read, or
/// when a pause of the last week may be ours. The debt stays in the journal: call again. `Journal` when nothing can be
/// written there: what is owed is done all the same, and the error says so.
///
/// It takes seconds when brokers answer, three minutes for each debt when they do not. When a process died while a pause was
/// on its way, a minute and a second resume come on top: such a pause may come true late.
///
/// # Cancellation
/// Dropping the future leaves what is not done yet for the next call. With a journal whose lock is not the operating
/// system's, the lock stays as well, until somebody breaks it.
pub async fn recover(config: ClusterConfig, parts: Parts) -> Result<RecoveryReport> {
    let shared = Box::pin(parts.into_recovering(config)).await?;
    Box::pin(recover::recover(&shared)).await
}
