//! One Camunda cluster: connect, plan, run, recover, abandon. Most programs need nothing else.

use std::fmt;
use std::sync::Arc;

use camunda_backup_core::{BackupId, Result};

use crate::backup::planner::{choose_id, plan_backup};
use crate::backup::preflight::preflight;
use crate::backup::spec::BackupSpec;
use crate::connection::config::ClusterConfig;
use crate::connection::{ConnectOptions, Connection};
use crate::facts::Facts;
use crate::facts::discover::{Discovery, discover};
use crate::finding::Finding;
use crate::journal::RunId;
use crate::leftover::Abandoned;
use crate::plan::Plan;
use crate::procedures;
use crate::recover::{self, RecoveredRun, RecoveryFailure, RecoveryReport};
use crate::report::{Failure, Report};
use crate::run;
use crate::run_handle::RunHandle;
use crate::run_record::{highest_id, open_run};
use crate::stored_reports;

/// A connected cluster: what was seen of it, and the way to back it up. Cheap to clone.
///
/// ```
/// # use camunda_backup_procedures as camunda_backup;
/// use camunda_backup::testing::{SimulatedCluster, StoreKind};
/// use camunda_backup::{BackupSpec, Cluster, Verdict};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Yours: `Cluster::connect(ClusterConfig::from_env()?)`.
/// let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
/// tokio::time::sleep(std::time::Duration::from_secs(10)).await;
/// let cluster = Cluster::connect_with(simulated.config()?, simulated.connect_options()).await?;
///
/// let plan = cluster.plan_backup(BackupSpec::default())?; // sends nothing
/// println!("{plan}"); // every request that a run will send
/// let report = cluster.run(plan).await?;
/// assert_eq!(report.verdict, Verdict::Proven);
///
/// // Long after, or in another process:
/// let cluster = cluster.reconnect().await?;
/// let id = report.id.ok_or("a backup has an id")?;
/// let stored = cluster.stored_report(id).await?;
/// assert!(stored.is_some_and(|stored| stored.verdict == Verdict::Proven));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cluster {
    connection: Arc<Connection>,
    discovery: Arc<Discovery>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.connection.config.name)
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
        Self::connect_with(config, ConnectOptions::default()).await
    }

    /// Connects with a transport, journal, clock or observer of one's own. Guarantees and errors as those of
    /// [`Cluster::connect`].
    pub async fn connect_with(config: ClusterConfig, options: ConnectOptions) -> Result<Self> {
        config.check_addresses()?;
        // Boxed, all of it: callers would carry it inside their own futures.
        let connection = Arc::new(Box::pin(options.into_connection(config)).await?);
        Self::seen_now(connection).await
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
        Self::seen_now(Arc::new(self.connection.renewed()?)).await
    }

    async fn seen_now(connection: Arc<Connection>) -> Result<Self> {
        let highest = Box::pin(highest_id(connection.journal.as_ref(), &connection.config.name)).await?;
        let discovery = discover(&connection.config, &connection.handles, connection.clock.as_ref(), highest);
        let discovery = Box::pin(discovery).await?;
        Ok(Self { connection, discovery: Arc::new(discovery) })
    }

    #[cfg(test)]
    pub(crate) fn discovery(&self) -> &Discovery {
        &self.discovery
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
    #[allow(clippy::needless_pass_by_value)] // `plan_backup(BackupSpec::default())` is the usual call
    pub fn plan_backup(&self, spec: BackupSpec) -> Result<Plan> {
        let id = match spec.id {
            Some(id) => id,
            None => choose_id(&self.discovery.facts, self.connection.highest_used())?,
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
        run::start(Arc::clone(&self.connection), Arc::clone(&self.discovery), plan, None)
    }

    /// Goes on with a run that another process began and that is open: after its death, or days later. [`recover`] says
    /// [`ToBeContinued`](crate::RecoveredEnd::ToBeContinued) of such a run, and until it has ended no other run begins on this
    /// cluster. What it has sent, was answered and has reached is taken from the journal; what it still owes is taken over.
    ///
    /// A backup is not among them: its conditions are gone with its process, so `recover` closes and abandons it.
    ///
    /// # Guarantees
    /// As those of [`Cluster::run`], for all processes of the run together. Nothing is destroyed before this process has
    /// passed every gate anew.
    ///
    /// # Errors
    /// `NotFound` when the journal has no such run, `Blocked` when it has ended or cannot be continued, `Journal` when it
    /// cannot be read. The handle's own errors are those of [`Cluster::run`]; `NeedsOperator` when the records of the run are
    /// damaged, so that nobody knows what it has done.
    ///
    /// # Cancellation
    /// It only reads; the handle is as that of [`Cluster::start`].
    pub async fn continue_run(&self, run: &RunId) -> Result<RunHandle> {
        let plan = open_run(self.connection.journal.as_ref(), &self.connection.config.name, run).await?;
        Ok(run::start(Arc::clone(&self.connection), Arc::clone(&self.discovery), plan, Some(run.clone())))
    }

    /// Ends a run that is open and that nobody will [continue](Cluster::continue_run): pays what it owes, and writes down
    /// who gave it up and why. What it has changed stays as it is.
    ///
    /// # Errors
    /// `NotFound`, `Blocked` and `Journal` as for [`Cluster::continue_run`]; `Claimed` while a process has it;
    /// `NeedsOperator` when what it owes could not be paid: it stays open then.
    ///
    /// # Cancellation
    /// What was not done is left for the next call, or for [`recover`].
    pub async fn give_up_run(&self, run: &RunId, by: &str, why: &str) -> Result<RecoveredRun> {
        open_run(self.connection.journal.as_ref(), &self.connection.config.name, run).await?;
        Box::pin(recover::give_up(&self.connection, run, format!("given up by {by}: {why}"))).await
    }

    /// Finishes what dead processes still owe to this cluster. See [`recover`], which is called before connecting; here,
    /// [reconnect](Cluster::reconnect) after a recovery that did something.
    ///
    /// # Errors
    /// As those of [`recover`].
    pub async fn recover(&self) -> Result<RecoveryReport, RecoveryFailure> {
        Box::pin(recover::recover(&self.connection)).await
    }

    /// Deletes what the run of this id left behind, if it did not complete. Own names only, verified in the store; a snapshot
    /// under this id that holds indices of another cluster is left alone and named. [Reconnect](Cluster::reconnect) before the
    /// next plan.
    ///
    /// It takes a minute more when something is not there that was asked for and never seen, and six minutes for the records'
    /// snapshot: such a request may take effect late, and what it makes then is deleted, too.
    ///
    /// # Errors
    /// `Foreign` when the journal does not prove that this library made it, or when it is complete; `Claimed` while a
    /// run is under way; `NeedsOperator` when it may have completed and its records cannot be read, or when it was made at
    /// another address; `Journal` when the records cannot be read at all. `Ok` with something in
    /// [`Abandoned::remaining`] means: not done, call it again.
    ///
    /// # Cancellation
    /// What was deleted is deleted; call it again for the rest. With a journal whose lock is made of puts and lists, the lock
    /// stays for about a minute.
    pub async fn abandon(&self, id: BackupId) -> Result<Abandoned> {
        let claim = self.connection.claim().await?;
        let abandoned = self.abandon_claimed(id).await;
        let released = claim.release().await;
        let abandoned = abandoned?;
        released?;
        Ok(abandoned)
    }

    /// The stored report of the last run with this id, whoever ran it and whether or not anybody waited for its end; `None` if
    /// there is none, because the run never began, is under way, or its process died. Reads the journal only, takes no claim.
    ///
    /// # Errors
    /// `Journal` when it cannot be read or understood.
    pub async fn stored_report(&self, id: BackupId) -> Result<Option<Report>> {
        stored_reports::last_of(self.connection.journal.as_ref(), &self.connection.config.name, id).await
    }

    /// The stored report of one run; see [`RunHandle::run_id`] and [`Cluster::runs_with_reports`].
    ///
    /// # Errors
    /// `NotFound` when there is none, `Journal` when it cannot be read or understood.
    pub async fn report_of_run(&self, run: &RunId) -> Result<Report> {
        stored_reports::read(self.connection.journal.as_ref(), &self.connection.config.name, run).await
    }

    /// The runs of this cluster whose reports are stored, oldest first. Reads the journal only, takes no claim.
    ///
    /// # Errors
    /// `Journal` when it cannot be listed.
    pub async fn runs_with_reports(&self) -> Result<Vec<RunId>> {
        stored_reports::runs_with_reports(self.connection.journal.as_ref(), &self.connection.config.name)
            .await
    }

    async fn abandon_claimed(&self, id: BackupId) -> Result<Abandoned> {
        let (plan, entries) = recover::abandonable(&self.connection, id).await?;
        procedures::abandon(&self.connection, &plan, &entries).await
    }
}

/// Finishes what dead processes still owe to a cluster: resumes exporting until every replica was seen exporting, notes
/// it, releases the claim, and says what it did. Call it once at the start of every process that runs backups.
///
/// It needs nothing of the cluster but the addresses, so it works when the cluster is too broken to connect to.
///
/// ```
/// # use camunda_backup_procedures as camunda_backup;
/// use camunda_backup::testing::{SimulatedCluster, SimulatedProcess, StoreKind};
/// use camunda_backup::{BackupSpec, Cluster, past_runs, recover};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulated = SimulatedCluster::new("8.6.0", StoreKind::Elasticsearch8)?;
/// tokio::time::sleep(std::time::Duration::from_secs(10)).await;
///
/// // A process dies while exporting is paused.
/// let process = SimulatedProcess::immortal(&simulated);
/// let cluster = Cluster::connect_with(simulated.config()?, process.connect_options()).await?;
/// let run = cluster.start(cluster.plan_backup(BackupSpec::default())?).await;
/// while past_runs(&simulated.journal(), "camunda").await?.iter().all(|run| run.owes.is_empty()) {
///     tokio::time::sleep(std::time::Duration::from_millis(10)).await;
/// }
/// process.kill();
///
/// // The next one begins like this, whatever has happened before.
/// let recovered = recover(simulated.config()?, simulated.connect_options()).await?;
/// println!("{recovered}");
/// assert_eq!(recovered.runs.len(), 1);
/// assert!(past_runs(&simulated.journal(), "camunda").await?.iter().all(|run| run.owes.is_empty()));
/// # drop(run);
/// # Ok(())
/// # }
/// ```
///
/// # Guarantees
/// What is owed stays in the journal until it was seen to be done. A living run is never disturbed: its claim refuses
/// this call with the holder's name. A pause that is found within an hour of one of ours that was never answered is taken
/// for that one and resumed, and so is one while a run with damaged records could owe it: nobody should pause by hand then.
/// A call that finds nothing to do writes nothing and takes no lock. A record that cannot be read proves nothing: what the
/// others prove is done, and the error names it.
///
/// # Errors
/// `Claimed` while a run is under way. `NeedsOperator` with the exact requests when exporting could not be seen running
/// within three minutes, and with words when something is owed to a gateway of another address, when a plan cannot be read, or
/// when a pause of the last week may be ours. The debt stays in the journal: call again. `Journal` when something is owed and
/// nothing can be written there: what is owed is done all the same, and the error says so; and when a record cannot be read.
///
/// It takes seconds when brokers answer, three minutes for each debt when they do not. When a process died while a pause was
/// on its way, a minute and a second resume come on top: such a pause may come true late.
///
/// # Cancellation
/// Dropping the future leaves what is not done yet for the next call. With a journal whose lock is made of puts and lists, the
/// lock stays for about a minute as well.
pub async fn recover(
    config: ClusterConfig,
    options: ConnectOptions,
) -> Result<RecoveryReport, RecoveryFailure> {
    let connection = Box::pin(options.into_recovering(config)).await?;
    Box::pin(recover::recover(&connection)).await
}
