//! The requests of a backup that a fault can strike.

use std::fmt::{self, Display, Formatter};

use camunda_backup_live::{Asked, Matches, REPOSITORY};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Operate,
    Tasklist,
    Pause,
    Records,
    Zeebe,
    Resume,
    /// The first look at Operate's backup after it was ordered.
    LookAtOperate,
    /// The first look at what a broker exports after the pause.
    LookAtPhases,
    /// The first look at the brokers' backup after it was ordered.
    LookAtZeebe,
}

impl Step {
    /// What starts or ends something, in the order in which it is sent.
    pub const ORDERS: [Self; 6] =
        [Self::Operate, Self::Tasklist, Self::Pause, Self::Records, Self::Zeebe, Self::Resume];

    /// How a request of this step is known.
    pub fn matches(self) -> Matches {
        Box::new(move |asked| self.is(asked))
    }

    fn is(self, Asked { server, method, path }: &Asked) -> bool {
        let (server, method) = (server.as_str(), method.as_str());
        match self {
            Self::Operate => (server, method) == ("operate", "POST") && is_create(path),
            Self::Tasklist => (server, method) == ("tasklist", "POST") && is_create(path),
            Self::Zeebe => is_gateway(server) && method == "POST" && is_create(path),
            Self::Pause => method == "POST" && path.starts_with("/actuator/exporting/pause"),
            Self::Resume => method == "POST" && path == "/actuator/exporting/resume",
            Self::Records => method == "PUT" && path.starts_with(&format!("/_snapshot/{REPOSITORY}/")),
            Self::LookAtOperate => (server, method) == ("operate", "GET") && is_status(path),
            Self::LookAtZeebe => is_gateway(server) && method == "GET" && is_status(path),
            Self::LookAtPhases => {
                (server, method, path.as_str()) == ("broker-1", "GET", "/actuator/partitions")
            }
        }
    }

    /// How many such requests a run sends before the one that is meant.
    pub fn earlier(self) -> usize {
        match self {
            // The look that proves that nothing is there yet.
            Self::LookAtOperate | Self::LookAtZeebe => 1,
            // The plan is checked again, then the pause looks whether it may.
            Self::LookAtPhases => 2,
            _ => 0,
        }
    }

    /// Whether it is sent when a pause is owed already.
    pub fn owes(self) -> bool {
        !matches!(self, Self::Operate | Self::Tasklist | Self::LookAtOperate)
    }

    /// How often each order has come, by what it orders. What may be sent any number of times is left out.
    pub fn orders_in(log: &[Asked]) -> Vec<(String, usize)> {
        let once = Self::ORDERS.iter().filter(|step| **step != Self::Resume);
        let mut counted = Vec::new();
        for step in once {
            let mut paths: Vec<&str> = log.iter().filter(|asked| step.is(asked)).map(|a| &*a.path).collect();
            let count = paths.len();
            paths.dedup();
            counted.push((format!("{step}: {}", paths.join(", ")), count));
        }
        counted
    }
}

fn is_gateway(server: &str) -> bool {
    ["broker-0", "gateway"].contains(&server)
}

fn is_create(path: &str) -> bool {
    path == "/actuator/backups"
}

fn is_status(path: &str) -> bool {
    path.strip_prefix("/actuator/backups/").is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operate => "Operate's create",
            Self::Tasklist => "Tasklist's create",
            Self::Pause => "the pause",
            Self::Records => "the records' PUT",
            Self::Zeebe => "Zeebe's create",
            Self::Resume => "the resume",
            Self::LookAtOperate => "a look at Operate",
            Self::LookAtPhases => "a look at the phases",
            Self::LookAtZeebe => "a look at Zeebe's backup",
        })
    }
}
