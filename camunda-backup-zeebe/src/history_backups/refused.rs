//! What the applications' refusals mean. The status says little (Operate 8.6: 400 for everything), so the words decide.

use camunda_backup_core::error::{ErrorKind, Outcome};
use camunda_backup_core::{Component, Error, HttpClient};

use crate::forbidden;
use crate::refusal::{self, no_such_endpoint, refused, says};

const ID_TAKEN: &str = "look at the backup that has this id; if it is not yours, take a higher id";
const ANOTHER_RUNS: &str = "wait until the other backup has ended, then try again; it is no lock, so make sure that nobody else starts one";
const NOT_CONFIGURED: &str = "configure the snapshot repository's name in the application (camunda.operate.backup.repositoryName, \
     camunda.tasklist.backup.repositoryName; 8.8+: camunda.data.backup.repository-name; Optimize: \
     backup.repositoryName) and restart it";
const NO_REPOSITORY: &str =
    "create the snapshot repository in the store, under the name that the application is configured with";
const STORE_AWAY: &str = "check that the application reaches its search store, then try again";
const ASK_THE_STORE: &str = "the application cannot say: Operate 8.6 on OpenSearch answers so whenever a part is running. Look at the snapshots \
     in the store";

const REPOSITORY_UNREADABLE: &str = "the application could not read its snapshot repository from its search store. Check that it reaches the store, and that \
     the repository that it is configured with exists there (CAMUNDA_OPERATE_BACKUP_REPOSITORYNAME, \
     CAMUNDA_TASKLIST_BACKUP_REPOSITORYNAME; 8.8+: CAMUNDA_DATA_BACKUP_REPOSITORYNAME; Optimize: \
     CAMUNDA_OPTIMIZE_BACKUP_REPOSITORY_NAME). Where both is so on OpenSearch, it is the application's own OpenSearch \
     client that cannot read the answer about a repository of type s3, as on Amazon OpenSearch Service: update the \
     application";
const OPENSEARCH_CLIENT: &str = "the application's own OpenSearch client cannot read the answer about its repository: one of type s3, as on Amazon \
     OpenSearch Service, has no location. Update the application; its backups may be in the store all the same";

const STORE_WORDS: [&str; 1] = ["error connecting to"];
const REPOSITORY_WORDS: [&str; 1] = ["validating existence of repository"];
const CLIENT_WORDS: [&str; 1] = ["Missing required property 'RepositorySettings"];
const SEARCHING_WORDS: [&str; 2] = ["Exception occurred when searching", "No enum constant"];

/// For the request that starts a backup.
pub(crate) fn creation(error: Error, http: &HttpClient) -> Error {
    let component = http.component();
    let error = forbidden::explained(error, http);
    if says(&error, &["already exists"]) {
        refused(error, ErrorKind::Conflict, ID_TAKEN)
    } else if says(&error, &["Another backup is running"]) {
        refused(error, ErrorKind::Conflict, ANOTHER_RUNS)
    } else if says(&error, &REPOSITORY_WORDS) {
        refused(error, ErrorKind::Unavailable, REPOSITORY_UNREADABLE)
    } else if says(&error, &CLIENT_WORDS) {
        error.with_advice(OPENSEARCH_CLIENT)
    } else if says(&error, &STORE_WORDS) || says(&error, &SEARCHING_WORDS) {
        // The applications look at the store before they schedule anything.
        refused(error, ErrorKind::Unavailable, STORE_AWAY)
    } else {
        match setup(error) {
            error if error.kind() == ErrorKind::NotFound => no_such_endpoint(error),
            error if error.kind() == ErrorKind::Conflict => error.with_advice(ID_TAKEN),
            error if error.outcome() == Outcome::Unknown => {
                let advice = format!(
                    "it is not known whether {component} makes this backup: look at its status and at the store"
                );
                error.with_advice(advice)
            }
            error => error,
        }
    }
}

/// For reads and deletes.
pub(crate) fn reading(error: Error) -> Error {
    if says(&error, &REPOSITORY_WORDS) {
        return error.with_kind(ErrorKind::Unavailable).with_advice(REPOSITORY_UNREADABLE);
    }
    if says(&error, &CLIENT_WORDS) {
        return error.with_advice(OPENSEARCH_CLIENT);
    }
    if says(&error, &STORE_WORDS) {
        return error.with_kind(ErrorKind::Unavailable).with_advice(STORE_AWAY);
    }
    if says(&error, &SEARCHING_WORDS) {
        return error.with_kind(ErrorKind::Unavailable).with_advice(ASK_THE_STORE);
    }
    match setup(error) {
        error if error.kind() == ErrorKind::NotFound => no_such_endpoint(error),
        error => error,
    }
}

/// Operate and Tasklist on Elasticsearch, Tasklist, Tasklist on OpenSearch.
const POISONED: &[&str] = &["\"metadata\" is null", "Index 0 out of bounds", "JsonData.to(java.lang.Class)"];

/// For lists, which one snapshot without metadata breaks up to 8.6: both applications then quote Java, Tasklist possibly
/// without any reason.
pub(crate) fn listing(error: Error, component: &Component) -> Error {
    let poisoned = says(&error, POISONED) || is_without_reason(&error);
    if poisoned {
        return error.with_kind(ErrorKind::Foreign).with_advice(format!(
            "one snapshot named camunda_{component}_* without the application's metadata breaks the whole list: list \
             camunda_{component}_* in the snapshot repository and look for the one whose `metadata` has no backupId (made \
             by hand, or by 8.1); delete it under its exact name if it is not needed"
        ));
    }
    match reading(error) {
        // An endpoint that should be there and is not must be seen, not be taken for "this version has none".
        error
            if error.status() == Some(http::StatusCode::NOT_FOUND)
                && error.kind() == ErrorKind::Unsupported =>
        {
            error.with_kind(ErrorKind::NotFound)
        }
        error => error,
    }
}

/// Whether the application says that it does not know the id.
pub(crate) fn is_unknown_id(error: &Error, component: &Component) -> bool {
    if says(error, &["No backup with id"]) {
        return true;
    }
    match error.kind() {
        // Tasklist 404: "No backup repository configured."
        ErrorKind::NotFound => refusal::is_unknown_id(error) && !says(error, &["repository"]),
        ErrorKind::Refused => says(error, &["Index 0 out of bounds"]),
        ErrorKind::ServerError => *component == Component::Tasklist && is_without_reason(error),
        _ => false,
    }
}

/// A 500 with Spring's default body: `{"error":"Internal Server Error"}` and no message.
fn is_without_reason(error: &Error) -> bool {
    error.kind() == ErrorKind::ServerError
        && error.server_said().is_none_or(|words| words.eq_ignore_ascii_case("Internal Server Error"))
}

fn setup(error: Error) -> Error {
    if says(&error, &["No backup repository configured"]) {
        refused(error, ErrorKind::Refused, NOT_CONFIGURED)
    } else if says(&error, &["No repository with name"]) {
        refused(error, ErrorKind::Refused, NO_REPOSITORY)
    } else {
        error
    }
}
