//! Backups of the partitions: what happens after a POST, whatever the wire looks like.

use std::time::Duration;

use crate::testing::control::faults::{BucketState, ZeebeBackupOutcome};
use crate::testing::state::world::World;

/// From one partition's checkpoint to the next one's.
const CHECKPOINT_STEP: Duration = Duration::from_millis(150);
/// A gateway gives up on a broker, and a broker on its bucket.
pub(crate) const BROKER_TIMEOUT: Duration = Duration::from_secs(15);
/// When a POST that was answered 504 runs after all.
const GHOST_AFTER: Duration = Duration::from_secs(35);

/// Why a call was refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub status: u16,
    pub message: String,
    pub after: Duration,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), after: Duration::ZERO }
    }

    fn timed_out() -> Self {
        let message = "Request from gateway to broker timed out. Request timed out after PT15S";
        Self { status: 504, message: message.to_owned(), after: BROKER_TIMEOUT }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PartState {
    InProgress,
    Completed,
    Failed(String),
}

/// One partition's part of one backup.
#[derive(Debug, Clone)]
pub(crate) struct PartBackup {
    pub partition: u32,
    pub broker: u32,
    pub state: PartState,
    pub checkpoint: u64,
    pub processed: u64,
    pub exported: u64,
    pub created: Duration,
    pub completed: Option<Duration>,
    /// When the upload will be done.
    ends_at: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Planned {
    id: i64,
    partition: u32,
    at: Duration,
    outcome: ZeebeBackupOutcome,
}

#[derive(Debug, Clone)]
pub(crate) struct ZeebeBackup {
    pub id: i64,
    pub parts: Vec<PartBackup>,
}

#[derive(Debug, Default)]
pub(crate) struct ZeebeBackups {
    pub taken: Vec<ZeebeBackup>,
    planned: Vec<Planned>,
    /// Checkpoints that wait for a hanging bucket.
    waiting: Vec<Planned>,
    pub latest: i64,
    pub bucket: BucketState,
    pub outcome: ZeebeBackupOutcome,
    pub generates_ids: bool,
}

impl ZeebeBackups {
    /// When the next partition backup begins or ends.
    pub(crate) fn next_event(&self) -> Option<Duration> {
        let begins = self.planned.iter().map(|planned| planned.at);
        let ends = self.taken.iter().flat_map(|backup| &backup.parts).filter_map(|part| part.ends_at);
        begins.chain(ends).min()
    }

    /// The new leader of a partition marks the running backup failed.
    pub(crate) fn leader_changed(&mut self, partition: u32, now: Duration) {
        let running = self.taken.iter_mut().flat_map(|backup| &mut backup.parts);
        for part in running.filter(|part| part.partition == partition && part.state == PartState::InProgress)
        {
            part.state = PartState::Failed("Backup is cancelled due to leader change.".to_owned());
            part.completed = Some(now);
            part.ends_at = None;
        }
    }

    /// What a broker was uploading when it died never ends by itself.
    pub(crate) fn broker_died(&mut self, broker: u32) {
        let parts = self.taken.iter_mut().flat_map(|backup| &mut backup.parts);
        for part in parts.filter(|part| part.broker == broker && part.state == PartState::InProgress) {
            part.ends_at = None;
        }
    }

    fn part(&mut self, id: i64) -> &mut Vec<PartBackup> {
        let index = self.taken.iter().position(|backup| backup.id == id).unwrap_or_else(|| {
            self.taken.push(ZeebeBackup { id, parts: Vec::new() });
            self.taken.len() - 1
        });
        &mut self.taken[index].parts
    }

    pub(crate) fn find(&self, id: i64) -> Option<&ZeebeBackup> {
        self.taken.iter().find(|backup| backup.id == id)
    }
}

impl World {
    /// Takes a backup, as 8.2 and later accept and refuse it. Returns the id that was used.
    pub(crate) fn take_zeebe_backup(&mut self, id: Option<i64>) -> Result<i64, Refusal> {
        let generates = self.backups.generates_ids;
        let id = match (id, generates) {
            (None, true) => i64::try_from(self.wall(self.now).millis()).unwrap_or(i64::MAX),
            (None, false) => return Err(Refusal::new(400, BAD_ID)),
            (Some(_), true) => return Err(Refusal::new(400, PREDETERMINED)),
            (Some(id), false) if id <= 0 => return Err(Refusal::new(400, BAD_ID)),
            (Some(id), false) => id,
        };
        if self.backups.bucket == BucketState::NotConfigured {
            return Err(Refusal::new(400, NO_STORE));
        }
        self.require_partitions()?;
        if self.partitions.iter().any(|partition| partition.leader.is_none()) {
            return Err(Refusal::timed_out());
        }
        let latest = self.backups.latest;
        if id <= latest {
            return Err(Refusal::new(
                409,
                format!(
                    "Requested backup has id {id}. The latest backup has id {latest}. Id of new backups must be higher \
                 than the previous one. "
                ),
            ));
        }
        self.backups.latest = id;
        self.plan_backup(id);
        if self.backups.outcome == ZeebeBackupOutcome::GhostAfter504 {
            return Err(Refusal::timed_out());
        }
        Ok(id)
    }

    /// What an accepted POST sets going. A bucket that cannot be reached: nothing at all.
    pub(crate) fn plan_backup(&mut self, id: i64) {
        let outcome = self.backups.outcome;
        let ghost = outcome == ZeebeBackupOutcome::GhostAfter504;
        let start = self.now + if ghost { GHOST_AFTER } else { self.options.checkpoint_after };
        for (step, partition) in (0u32..).zip(&self.partitions) {
            if ghost && step > 0 {
                break;
            }
            let at = start + CHECKPOINT_STEP * step;
            self.backups.planned.push(Planned { id, partition: partition.id, at, outcome });
        }
    }

    /// Refused until the gateway knows the partitions.
    pub(crate) fn require_partitions(&self) -> Result<(), Refusal> {
        if !self.gateway_is_ignorant() {
            return Ok(());
        }
        let all = self.partitions.len();
        Err(match self.dialect.line() {
            (8, 2 | 3) => Refusal::new(500, UNKNOWN_TOPOLOGY),
            (8, 4) => Refusal::new(500, "No value present"),
            _ => Refusal::new(
                502,
                format!(
                    "Expected to send request to all {all} partitions, but found only 0 partitions in topology."
                ),
            ),
        })
    }

    /// What GET, list and DELETE run into before they look at anything.
    pub(crate) fn reach_bucket(&self) -> Result<(), Refusal> {
        match self.backups.bucket {
            BucketState::NotConfigured => return Err(Refusal::new(400, NO_STORE)),
            BucketState::FeatureOff => return Err(Refusal::new(500, FEATURE_OFF)),
            _ => {}
        }
        self.require_partitions()?;
        if self.partitions.iter().any(|partition| partition.leader.is_none()) {
            return Err(Refusal::timed_out());
        }
        match self.backups.bucket {
            BucketState::Missing => {
                // The older client prints the message that it has not got.
                let message = if self.dialect.line() <= (8, 5) { "null " } else { "" };
                Err(Refusal::new(
                    500,
                    format!(
                        "software.amazon.awssdk.services.s3.model.NoSuchBucketException: {message}(Service: S3, Status \
                         Code: 404, Request ID: null)"
                    ),
                ))
            }
            BucketState::Hanging => Err(Refusal::timed_out()),
            _ => Ok(()),
        }
    }

    /// Begins and ends the partition backups that are due now.
    pub(crate) fn run_backup_events(&mut self) {
        let now = self.now;
        let (due, later): (Vec<Planned>, Vec<Planned>) =
            std::mem::take(&mut self.backups.planned).into_iter().partition(|planned| planned.at <= now);
        self.backups.planned = later;
        for planned in due {
            self.begin_part(planned);
        }
        let positions: Vec<(u32, u64)> = self.partitions.iter().map(|p| (p.id, p.persisted)).collect();
        let bucket = self.backups.bucket;
        for part in self.backups.taken.iter_mut().flat_map(|backup| &mut backup.parts) {
            if part.ends_at.is_none_or(|at| at > now) {
                continue;
            }
            part.ends_at = None;
            part.completed = Some(now);
            if bucket == BucketState::Missing {
                part.state = PartState::Failed("The specified bucket does not exist".to_owned());
            } else if part.state == PartState::InProgress {
                part.state = PartState::Completed;
                // The snapshot is the newest one with P < C, so a resume before the end lets its exporter position
                // run ahead of what the secondary store's snapshot holds.
                let persisted = positions.iter().find(|(id, _)| *id == part.partition).map(|(_, at)| *at);
                part.exported = persisted.unwrap_or_default().min(part.checkpoint.saturating_sub(1));
            }
        }
    }

    fn begin_part(&mut self, planned: Planned) {
        let (now, duration) = (self.now, self.options.zeebe_backup_duration);
        match self.backups.bucket {
            BucketState::Missing | BucketState::NotConfigured | BucketState::FeatureOff => return,
            BucketState::Hanging => return self.backups.waiting.push(planned),
            BucketState::Ok => {}
        }
        let Some(partition) = self.partitions.iter_mut().find(|p| p.id == planned.partition) else { return };
        let Some(broker) = partition.leader else { return };
        partition.position += 1;
        let checkpoint = partition.position;
        let exported = partition.persisted.min(checkpoint.saturating_sub(1));
        let ends_at = match planned.outcome {
            ZeebeBackupOutcome::NeverEnds => None,
            _ => Some(now + duration),
        };
        let (state, completed, ends_at) = match planned.outcome {
            ZeebeBackupOutcome::Fail if planned.partition == 1 => {
                (PartState::Failed("Failed to upload snapshot files".to_owned()), Some(now), None)
            }
            _ => (PartState::InProgress, None, ends_at),
        };
        self.backups.part(planned.id).push(PartBackup {
            partition: planned.partition,
            broker,
            state,
            checkpoint,
            processed: checkpoint.saturating_sub(2),
            exported,
            created: now,
            completed,
            ends_at,
        });
    }

    /// The bucket changes. What waited for a hanging one runs (8.1) or fails, because a newer snapshot was taken.
    pub(crate) fn change_bucket(&mut self, bucket: BucketState) {
        self.backups.bucket = bucket;
        if bucket != BucketState::Ok {
            return;
        }
        for planned in std::mem::take(&mut self.backups.waiting) {
            let id = planned.id;
            self.begin_part(planned);
            if self.dialect.line() == (8, 1) {
                continue;
            }
            let now = self.now;
            if let Some(part) = self.backups.part(id).last_mut() {
                part.state = PartState::Failed(NO_SNAPSHOT.to_owned());
                part.completed = Some(now);
                part.ends_at = None;
            }
        }
    }

    /// A finished backup that somebody else took.
    pub(crate) fn add_foreign_backup(&mut self, id: i64) {
        let now = self.now;
        for index in 0..self.partitions.len() {
            let partition = &mut self.partitions[index];
            partition.position += 1;
            let part = PartBackup {
                partition: partition.id,
                broker: partition.last_leader,
                state: PartState::Completed,
                checkpoint: partition.position,
                processed: partition.position.saturating_sub(2),
                exported: partition.persisted.min(partition.position.saturating_sub(1)),
                created: now,
                completed: Some(now),
                ends_at: None,
            };
            self.backups.part(id).push(part);
        }
        self.backups.latest = self.backups.latest.max(id);
    }
}

pub(crate) const FEATURE_OFF: &str = "Received error from broker (UNSUPPORTED_MESSAGE): Backup feature is disabled \
                                      for this cluster. To use this feature, enable it in the broker configuration \
                                      and restart the cluster.";
const BAD_ID: &str = "A backupId must be provided and it must be > 0";
const PREDETERMINED: &str = "Backup id is predetermined by the configuration of continuous backups: the request \
                             must not contain a backupId";
pub(crate) const NO_STORE: &str = "Cannot process backup requests. No backup store is configured. To use this \
                                   feature, configure backup in broker configuration.";
const NO_SNAPSHOT: &str = "Cannot find a snapshot that can be included in the backup 104. All available snapshots \
                           (processedPosition or lastFollowupEventPosition) are beyond the checkpoint position";
pub(crate) const UNKNOWN_TOPOLOGY: &str = "Expected to send the request to a partition in the topology, but gateway does not \
                                know broker topology. Please try again later. If the error persists contact your \
                                zeebe operator.";
