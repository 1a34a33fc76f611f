//! The words with which the web applications refuse.

use crate::testing::state::snapshot_queue::{App, AppRefusal};
use crate::testing::state::world::World;

impl World {
    /// The words of 8.6; 8.8+ uses the same.
    pub(crate) fn refusal_text(&self, app: App, refusal: &AppRefusal) -> String {
        let (opensearch, repository) = (self.store_of(app).is_opensearch(), self.repository_of(app));
        match refusal {
            AppRefusal::NotConfigured => "No backup repository configured.".to_owned(),
            AppRefusal::NoRepository(name) => format!("No repository with name [{name}] could be found."),
            AppRefusal::Duplicate { id, names } => {
                let uuid = "_J2qLUvoSWOozq-fmAA6U";
                let only_uuids = opensearch && app == App::Operate;
                let found: Vec<String> = names
                    .iter()
                    .map(|name| if only_uuids { uuid.to_owned() } else { format!("{name}/{uuid}") })
                    .collect();
                format!("A backup with ID [{id}] already exists. Found snapshots: [{}]", found.join(", "))
            }
            AppRefusal::Running => "Another backup is running at the moment".to_owned(),
            AppRefusal::Unknown(id) if opensearch || app == App::Webapps => {
                format!("No backup with id [{id}] found.")
            }
            AppRefusal::Unknown(_) => "Index 0 out of bounds for length 0".to_owned(),
            AppRefusal::Poisoned { single } => without_metadata(app, *single, opensearch),
            AppRefusal::StoreDown(doing, _) if opensearch && doing.starts_with("retrieving") => {
                format!(
                    "Exception occurred when validating existence of repository with name [{repository}]."
                )
            }
            AppRefusal::StoreDown(..) if opensearch => {
                "Exception occurred when searching for backups.".to_owned()
            }
            AppRefusal::StoreDown(doing, _) => {
                format!("Encountered an error connecting to Elasticsearch while {doing} [{repository}].")
            }
            AppRefusal::Unreadable(Some(id)) => {
                format!("Exception occurred when searching for backup with ID [{id}].")
            }
            AppRefusal::Unreadable(None) => {
                "No enum constant org.opensearch.snapshots.SnapshotState.IN_PROGRESS".to_owned()
            }
        }
    }
}

/// What Java says of a null, as both applications pass it on.
fn without_metadata(app: App, single: bool, opensearch: bool) -> String {
    let package = match app {
        App::Tasklist => "io.camunda.tasklist.webapp.es.backup",
        _ => "io.camunda.operate.webapp.backup",
    };
    if single {
        return format!("Cannot invoke \"{package}.Metadata.getPartCount()\" because \"metadata\" is null");
    }
    let null = match app {
        App::Tasklist if opensearch => {
            "\"org.opensearch.client.json.JsonData.to(java.lang.Class)\" because the return value of \
             \"java.util.Map.get(Object)\" is null"
                .to_owned()
        }
        _ => format!("\"{package}.Metadata.getBackupId()\" because \"metadata\" is null"),
    };
    format!("Exception occurred when searching for backups: Cannot invoke {null}")
}
