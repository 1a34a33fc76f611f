//! The web applications' own backups: a queue of parts in memory, each part a snapshot in the store.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::control::options::CamundaOptions;
use crate::testing::state::world::World;

/// From a POST to the first snapshot.
const FIRST_PART_AFTER: Duration = Duration::from_millis(50);
/// From the moment that the end of a part was noticed to the next part.
const NEXT_PART_AFTER: Duration = Duration::from_millis(100);

/// An application that snapshots its own indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum App {
    Operate,
    Tasklist,
    Webapps,
    Optimize,
}

impl App {
    pub(crate) fn deployed(options: &CamundaOptions) -> Vec<Self> {
        let all = [
            (Self::Operate, options.operate),
            (Self::Tasklist, options.tasklist),
            (Self::Webapps, options.webapps),
            (Self::Optimize, options.optimize),
        ];
        all.into_iter().filter(|(_, runs)| *runs).map(|(app, _)| app).collect()
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Operate => "operate",
            Self::Tasklist => "tasklist",
            Self::Webapps => "webapps",
            Self::Optimize => "optimize",
        }
    }

    pub(crate) const fn component(self) -> camunda_backup_core::Component {
        use camunda_backup_core::Component;
        match self {
            Self::Operate => Component::Operate,
            Self::Tasklist => Component::Tasklist,
            Self::Webapps => Component::Webapps,
            Self::Optimize => Component::Optimize,
        }
    }
}

/// Why an application refused; each has its own words and status for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AppRefusal {
    NotConfigured,
    NoRepository(String),
    Duplicate {
        id: String,
        names: Vec<String>,
    },
    Running,
    Unknown(String),
    /// What it was doing: `searching for snapshots`, `retrieving repository with name`.
    StoreDown(&'static str, Duration),
    /// Operate on OpenSearch cannot read a running snapshot; the id, or none for the list.
    Unreadable(Option<String>),
    /// A snapshot without the application's metadata: in the list, or under the id that was asked for.
    Poisoned {
        single: bool,
    },
}

#[derive(Debug, Clone)]
struct Part {
    name: String,
    number: u32,
    metadata: Value,
}

/// One application process.
#[derive(Debug)]
pub(crate) struct WebApp {
    pub alive: bool,
    pub part_timeout: Option<Duration>,
    pub store_hangs: bool,
    /// `I_p`: up to where each partition has been imported.
    pub imported: BTreeMap<u32, u64>,
    waiting: VecDeque<Part>,
    running: Vec<(String, Duration)>,
    /// When to take the next part from the queue.
    starts: Vec<Duration>,
}

impl WebApp {
    pub(crate) fn new(app: App, options: &CamundaOptions) -> Self {
        let limited = options.version.line() <= (8, 7) && app != App::Optimize;
        Self {
            alive: true,
            part_timeout: limited.then_some(Duration::from_secs(30)),
            store_hangs: false,
            imported: BTreeMap::new(),
            waiting: VecDeque::new(),
            running: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// The parts that were still to come are lost with the process.
    pub(crate) fn forget_queue(&mut self) {
        self.waiting.clear();
        self.running.clear();
        self.starts.clear();
    }
}

/// `camunda_operate_5_8.6.0_part_1_of_6` → (`5`, 1, 6), if it is one of the application's names.
pub(crate) fn parse_name(app: App, name: &str) -> Option<(String, u32, u32)> {
    let rest = name.strip_prefix("camunda_")?.strip_prefix(app.word())?.strip_prefix('_')?;
    let (head, numbers) = rest.rsplit_once("_part_")?;
    let (id, _version) = head.rsplit_once('_')?;
    let (number, count) = numbers.split_once("_of_")?;
    Some((id.to_owned(), number.parse().ok()?, count.parse().ok()?))
}

impl World {
    pub(crate) fn part_count(&self, app: App) -> u32 {
        if app == App::Optimize { 2 } else { self.options.parts.max(1) }
    }

    pub(crate) fn check_repository(&self, app: App, doing: &'static str) -> Result<String, AppRefusal> {
        let repository = self.repository_of(app).to_owned();
        if repository.is_empty() {
            return Err(AppRefusal::NotConfigured);
        }
        let hangs = self.apps.get(&app).is_some_and(|app| app.store_hangs);
        if self.store_of(app).is_down() || hangs {
            let after = if hangs { Duration::from_secs(30) } else { Duration::ZERO };
            return Err(AppRefusal::StoreDown(doing, after));
        }
        if !self.store_of(app).has_repository(&repository) {
            return Err(AppRefusal::NoRepository(repository));
        }
        Ok(repository)
    }

    /// Schedules the parts of a backup and returns their names.
    pub(crate) fn schedule_app_backup(&mut self, app: App, id: &str) -> Result<Vec<String>, AppRefusal> {
        let repository = self.check_repository(app, "retrieving repository with name")?;
        let names = self.snapshots_of(app, &repository, id);
        if !names.is_empty() {
            return Err(AppRefusal::Duplicate { id: id.to_owned(), names });
        }
        if self.apps.get(&app).is_none_or(|app| !app.waiting.is_empty()) {
            return Err(AppRefusal::Running);
        }
        let version = self.version_of(&app.component()).to_string().to_lowercase();
        let count = self.part_count(app);
        let part = |number| Part {
            name: format!("camunda_{}_{id}_{version}_part_{number}_of_{count}", app.word()),
            number,
            metadata: if self.dialect.line() <= (8, 1) {
                Value::Null
            } else {
                json!({
                    "backupId": id.parse::<i64>().unwrap_or_default(),
                    "version": version, "partNo": number, "partCount": count
                })
            },
        };
        let parts: Vec<Part> = (1..=count).map(part).collect();
        let names = parts.iter().map(|part| part.name.clone()).collect();
        let all_at_once = app == App::Optimize && self.store_of(app).is_opensearch();
        let first = self.now + FIRST_PART_AFTER;
        if let Some(app) = self.apps.get_mut(&app) {
            app.starts.extend(std::iter::repeat_n(first, if all_at_once { parts.len() } else { 1 }));
            app.waiting.extend(parts);
        }
        Ok(names)
    }

    pub(crate) fn snapshots_of(&self, app: App, repository: &str, id: &str) -> Vec<String> {
        let mut names: Vec<(u32, String)> = self
            .store_of(app)
            .snapshot_names(repository)
            .into_iter()
            .filter_map(|name| {
                let (found, number, _) = parse_name(app, &name)?;
                (found == id).then_some((number, name))
            })
            .collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// Starts and ends parts.
    pub(crate) fn run_queues(&mut self) {
        let up = |app: &App| !self.store_of(*app).is_down();
        let kinds: Vec<App> = self.apps.keys().copied().filter(up).collect();
        for app in kinds {
            self.notice_ended_parts(app);
            self.start_due_parts(app);
        }
    }

    fn notice_ended_parts(&mut self, app: App) {
        let (now, store) = (self.now, self.store_of(app).clone());
        let repository = self.repository_of(app).to_owned();
        let Some(state) = self.apps.get_mut(&app).filter(|state| state.alive) else { return };
        for (name, started) in std::mem::take(&mut state.running) {
            let facts = store.snapshot_state(&repository, &name);
            let length = match &facts {
                Some(facts) if facts.state != "IN_PROGRESS" => {
                    Duration::from_millis(facts.end_millis.saturating_sub(facts.start_millis))
                }
                _ => now.saturating_sub(started),
            };
            let too_long = state.part_timeout.is_some_and(|limit| length > limit);
            let word = facts.map(|facts| facts.state);
            match word.as_deref() {
                _ if too_long => state.forget_queue(),
                Some("IN_PROGRESS") => state.running.push((name, started)),
                // Deleted: that ends the waiting for it, not the queue (seen on 8.6.0).
                Some("SUCCESS") | None => state.starts.push(now + NEXT_PART_AFTER),
                Some(_) if app == App::Tasklist => state.starts.push(now + NEXT_PART_AFTER),
                _ => state.forget_queue(),
            }
        }
    }

    fn start_due_parts(&mut self, app: App) {
        let now = self.now;
        let Some(state) = self.apps.get_mut(&app).filter(|state| state.alive) else { return };
        let due = state.starts.iter().filter(|at| **at <= now).count().min(state.waiting.len());
        state.starts.retain(|at| *at > now);
        let parts: Vec<Part> = state.waiting.drain(..due).collect();
        if !parts.is_empty() {
            self.write_documents();
        }
        for part in parts {
            let indices = self.indices_of_part(app, part.number);
            let repository = self.repository_of(app).to_owned();
            let started = self.store_of(app).start_snapshot(
                &repository,
                &part.name,
                &indices,
                part.metadata.clone(),
                true,
            );
            if let Some(state) = self.apps.get_mut(&app) {
                match started {
                    Ok(()) => state.running.push((part.name, now)),
                    // Nothing of it is recorded anywhere but in the application's log.
                    Err(_) => state.forget_queue(),
                }
            }
        }
    }
}
