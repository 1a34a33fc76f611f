//! What one process holds of a cluster: configuration, HTTP handles, journal, clock and observer.

pub(crate) mod clients;
pub mod config;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::{BackupId, Clock, Component, Error, Result, SystemClock, Timestamp, Transport};

use crate::engine::ProgressObserver;
use crate::journal::{Bounded, Claim, FileJournal, Journal, claim};
use clients::Handles;
use config::ClusterConfig;

/// Everything that clones of a cluster share.
pub(crate) struct Connection {
    pub(crate) config: ClusterConfig,
    pub(crate) handles: Handles,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Option<Arc<dyn ProgressObserver>>,
    transport: Arc<dyn Transport>,
    used: Arc<Mutex<Option<BackupId>>>,
}

impl Connection {
    /// The same with the files of certificates read again: they may have been renewed.
    pub(crate) fn renewed(&self) -> Result<Self> {
        Ok(Self {
            handles: Handles::new(&self.config, &self.transport)?,
            config: self.config.clone(),
            journal: Arc::clone(&self.journal),
            clock: Arc::clone(&self.clock),
            observer: self.observer.clone(),
            transport: Arc::clone(&self.transport),
            used: Arc::clone(&self.used),
        })
    }

    /// Notes that a run was started with this id, whatever becomes of it.
    pub(crate) fn mark_used(&self, id: BackupId) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = (*used).max(Some(id));
    }

    pub(crate) fn highest_used(&self) -> Option<BackupId> {
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
pub struct ConnectOptions {
    /// Sends the requests. Default: reqwest with rustls.
    pub transport: Option<Arc<dyn Transport>>,
    /// Keeps what is owed. Default: a [`FileJournal`] in the configured directory.
    pub journal: Option<Arc<dyn Journal>>,
    /// Tells wall time. Default: the system's clock.
    pub clock: Option<Arc<dyn Clock>>,
    /// Is told the events of every run; see [`ProgressObserver`].
    pub observer: Option<Arc<dyn ProgressObserver>>,
}

impl ConnectOptions {
    /// With the journal in the configured directory, even if nothing more can be written there.
    pub(crate) async fn into_recovering(mut self, config: ClusterConfig) -> Result<Connection> {
        if let (None, Some(directory)) = (&self.journal, &config.journal) {
            let opened = match FileJournal::open(directory).await {
                Ok(journal) => journal,
                Err(refused) => FileJournal::open_to_read(directory).await.map_err(|_| refused)?,
            };
            self.journal = Some(Arc::new(opened));
        }
        self.into_connection(config).await
    }

    pub(crate) async fn into_connection(self, config: ClusterConfig) -> Result<Connection> {
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
        let journal: Arc<dyn Journal> = Arc::new(Bounded::new(journal));
        let handles = Handles::new(&config, &transport)?;
        let clock: Arc<dyn Clock> = match self.clock {
            Some(clock) => Arc::new(NeverPanics(clock)),
            None => Arc::new(SystemClock),
        };
        let observer = self.observer;
        Ok(Connection { config, handles, journal, clock, observer, transport, used: Arc::default() })
    }
}

/// A clock of the caller that panics must not end a run that has paused exporting: the system's clock answers then.
#[derive(Debug)]
struct NeverPanics(Arc<dyn Clock>);

impl Clock for NeverPanics {
    fn now(&self) -> Timestamp {
        std::panic::catch_unwind(AssertUnwindSafe(|| self.0.now())).unwrap_or_else(|_| {
            tracing::error!("the clock that was given panicked; the system's clock is used");
            SystemClock.now()
        })
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
        .with_advice("give a transport in `ConnectOptions`, or turn the feature on"))
}
