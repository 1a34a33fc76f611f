//! The client handle: what every call of this crate goes through.

use std::sync::Arc;

use camunda_backup_core::transport::Response;
use camunda_backup_core::{
    Call, Component, Effect, Endpoint, Error, ErrorKind, HttpClient, Outcome, Result, Transport,
};
use serde::Deserialize;

use crate::failure;
use crate::flavor::Traits;
use crate::store_info::StoreInfo;
use crate::{detect, tolerant};

/// A cheap-clone client of one search store that knows its flavour and version.
///
/// # Guarantees
/// * What starts something ([`create_snapshot`](Self::create_snapshot), [`restore_snapshot`](Self::restore_snapshot)) is
///   sent once; reads and deletes are repeated after transport errors, 429, 502, 503 and 504.
/// * No request that changes something holds a wildcard or an empty list of names.
///
/// # Cancellation
/// Dropping a future leaves the effect of its request unknown: the server goes on with what it was told.
///
/// # Errors
/// All methods return the product's [`Error`](camunda_backup_core::Error) with the server's exception type in
/// [`server_type`](camunda_backup_core::Error::server_type) and its reason in
/// [`server_said`](camunda_backup_core::Error::server_said).
#[derive(Clone, Debug)]
pub struct SearchStore {
    http: HttpClient,
    info: StoreInfo,
}

impl SearchStore {
    /// A client of the store at this address, over reqwest with the system's certificates.
    ///
    /// ```no_run
    /// # async fn example() -> camunda_backup_core::Result<()> {
    /// let store = camunda_backup_es::SearchStore::connect("https://user:password@store:9200".parse()?).await?;
    /// println!("{}", store.info()); // Elasticsearch 8.19.21, cluster camunda (…)
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`connect_over`](Self::connect_over), and `Config` when the certificates or credentials cannot be used.
    #[cfg(feature = "reqwest")]
    pub async fn connect(endpoint: Endpoint) -> Result<Self> {
        let transport =
            camunda_backup_core::ReqwestTransport::new(camunda_backup_core::TransportConfig::default())?;
        Self::connect_with(endpoint, Arc::new(transport)).await
    }

    /// A client of the store at this address over a transport of the caller's: one with an own CA, or a simulated store.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use camunda_backup_core::{IndexPrefix, SimulatedClock, Timestamp};
    /// use camunda_backup_es::SearchStore;
    /// use camunda_backup_es::testing::{FakeElasticsearch, StoreOptions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> camunda_backup_core::Result<()> {
    /// let clock = SimulatedClock::starting_at(Timestamp::from_millis(1_780_473_600_000));
    /// let simulated = FakeElasticsearch::new(StoreOptions::elasticsearch("8.19.21"), clock);
    /// simulated.put_document("operate-list-view-8.3.0_", "1", Default::default());
    ///
    /// let store = SearchStore::connect_with("http://store:9200".parse()?, Arc::new(simulated)).await?;
    /// for index in store.indices(&IndexPrefix::new("operate")?).await? {
    ///     println!("{index}"); // operate-list-view-8.3.0_: open, green, 1 document, 1 primary shard
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`connect_over`](Self::connect_over), and `Config` when the credentials cannot be sent.
    pub async fn connect_with(endpoint: Endpoint, transport: Arc<dyn Transport>) -> Result<Self> {
        Self::connect_over(HttpClient::new(transport, Component::Store, endpoint)?).await
    }

    /// Asks the store what it is (`GET /`, or `GET /_nodes` on builds that do not serve it) and makes a client for it.
    /// Changes nothing.
    ///
    /// # Errors
    /// `WrongComponent` for anything that is neither Elasticsearch nor OpenSearch, `Unsupported` for a major version
    /// that this library does not know, else what the HTTP layer says.
    pub async fn connect_over(http: HttpClient) -> Result<Self> {
        let info = detect::detect(&http).await?;
        Ok(Self::with_info(http, info))
    }

    /// A client for a store whose flavour and version are known. Sends nothing.
    pub fn with_info(http: HttpClient, info: StoreInfo) -> Self {
        Self { http, info }
    }

    /// Flavour, version and identity of the store.
    pub fn info(&self) -> &StoreInfo {
        &self.info
    }

    /// The HTTP client underneath.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// What this store can and cannot do.
    pub fn traits(&self) -> &'static Traits {
        self.info.version.traits()
    }

    /// Sends a call; a status other than 2xx is an error, classified by the server's exception type.
    pub(crate) async fn send(&self, call: Call) -> Result<Response> {
        self.http.send(call).await.map_err(failure::refine)
    }

    /// Sends a call and reads its answer with a pure decoder; the decoder's error is told what it was about.
    pub(crate) async fn read<T>(&self, call: Call, decode: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        let context = Context::of(&call);
        let response = self.send(call).await?;
        decode(&response.body).map_err(|error| context.tell(error, self, &response))
    }

    /// Sends a call that is answered with `{"acknowledged":true}`.
    pub(crate) async fn acknowledged(&self, call: Call) -> Result<()> {
        self.read(call, |body| confirmed(body, "acknowledged")).await
    }

    /// Sends a call that is answered with `{"accepted":true}`.
    pub(crate) async fn accepted(&self, call: Call) -> Result<()> {
        self.read(call, |body| confirmed(body, "accepted")).await
    }

    /// Sends a restore. One without a shard, of the global state alone, has ended before it is answered, and the answer is
    /// what a waiting caller gets.
    pub(crate) async fn accepted_or_restored(&self, call: Call) -> Result<()> {
        self.read(call, |body| if has_restored_nothing(body) { Ok(()) } else { confirmed(body, "accepted") })
            .await
    }
}

struct Context {
    operation: &'static str,
    effect: Effect,
    request: String,
    subject: Option<String>,
}

impl Context {
    fn of(call: &Call) -> Self {
        let request = format!("{} {}", call.method, call.path_and_query());
        Self { operation: call.operation, effect: call.effect, request, subject: call.subject.clone() }
    }

    fn tell(self, error: Error, store: &SearchStore, response: &Response) -> Error {
        let base = store.http.base();
        let request = self.request.replacen(' ', &format!(" {base}"), 1);
        let error = error
            .with_component(store.http.component().clone())
            .with_operation(self.operation)
            .with_request(request)
            .with_status(response.status);
        // A read changes nothing, whatever it is answered.
        let error = match self.effect {
            Effect::Read => error.with_outcome(Outcome::Refused),
            Effect::Idempotent | Effect::Once => error,
        };
        let error = match error.advice() {
            Some(_) => error,
            None => error.with_advice(format!(
                "check that {base} is Elasticsearch or OpenSearch itself, in a supported version, and that no proxy \
                 changes its answers"
            )),
        };
        match (self.subject, error.subject()) {
            (Some(subject), None) => error.with_subject(subject),
            _ => error,
        }
    }
}

#[derive(Deserialize)]
struct Confirmation {
    #[serde(default, deserialize_with = "tolerant::or_default")]
    acknowledged: bool,
    #[serde(default, deserialize_with = "tolerant::or_default")]
    accepted: bool,
}

/// Whether a 200 says that it was done: `acknowledged: false` means that not every node has heard of it in time.
fn confirmed(body: &[u8], field: &'static str) -> Result<()> {
    let answer: Confirmation = tolerant::from_slice(body)?;
    let said_yes = if field == "accepted" { answer.accepted } else { answer.acknowledged };
    if said_yes {
        return Ok(());
    }
    Err(Error::new(ErrorKind::ServerError, format!("the store answered 200 without `{field}: true`"))
        .with_outcome(Outcome::Unknown)
        .with_server_said(&String::from_utf8_lossy(&body[..body.len().min(1024)]))
        .with_advice("look at the state of what was asked for before doing anything again"))
}

fn has_restored_nothing(body: &[u8]) -> bool {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    answer.pointer("/snapshot/shards/total").and_then(serde_json::Value::as_u64) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_true_confirmation_counts() {
        confirmed(br#"{"acknowledged": true, "shards_acknowledged": true}"#, "acknowledged").unwrap();
        confirmed(br#"{"accepted": true}"#, "accepted").unwrap();
        for (body, field) in [
            (r#"{"acknowledged": false}"#, "acknowledged"),
            (r#"{"acknowledged": null}"#, "acknowledged"),
            (r#"{"accepted": true}"#, "acknowledged"),
            (r#"{"snapshot": {"state": "FAILED"}}"#, "accepted"),
            ("{}", "accepted"),
        ] {
            let error = confirmed(body.as_bytes(), field).unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{body}");
        }
    }
}
