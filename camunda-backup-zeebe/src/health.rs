//! Readiness of one process. Ready means that it has started, not that the cluster has leaders: see
//! [`Topology::problems`](crate::Topology::problems).

use std::time::Duration;

use camunda_backup_core::transport::Timeouts;
use camunda_backup_core::{Call, Component, HttpClient, Result};
use http::StatusCode;
use serde_json::Value;

use crate::answer::text;
use crate::dialect::Dialect;
use crate::open_enum::open_enum;

const READINESS: &str = "health.readiness";

open_enum! {
    /// The readiness of a process.
    HealthState {
        /// Ready.
        Up = "UP",
        /// Not ready: 503.
        Down = "DOWN",
        /// Not ready, on purpose.
        OutOfService = "OUT_OF_SERVICE",
    }
}

/// The readiness probe of one process: `/ready` of brokers up to 8.4, `/actuator/health/readiness` elsewhere.
#[derive(Debug, Clone)]
pub struct Health {
    http: HttpClient,
    dialect: Dialect,
}

impl Health {
    /// A client for one management address. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// Asks whether the process is ready; a 503 is an answer.
    ///
    /// # Errors
    /// Whatever keeps the question from being answered: no connection, another application, no answer within 10 s
    /// (Tasklist hangs for a minute while its store does).
    pub async fn readiness(&self) -> Result<HealthState> {
        let old_broker = self.dialect.line <= (8, 4)
            && matches!(self.http.component(), Component::Zeebe | Component::Broker(_));
        let path = if old_broker { "/ready" } else { "/actuator/health/readiness" };
        let limit = Duration::from_secs(10);
        let mut call = Call::get(READINESS, path).timeouts(Timeouts {
            connect: Timeouts::DEFAULT.connect,
            read: limit,
            total: limit,
        });
        call.max_retries = 0;
        match self.http.send(call).await {
            Ok(response) => Ok(state(response.status, &response.body)),
            Err(error) if error.status() == Some(StatusCode::SERVICE_UNAVAILABLE) => Ok(HealthState::Down),
            Err(error) => Err(error),
        }
    }
}

/// `/ready` answers 204; the actuator answers JSON. A 200 that says nothing is not known to be ready.
fn state(status: StatusCode, body: &[u8]) -> HealthState {
    if status == StatusCode::NO_CONTENT {
        return HealthState::Up;
    }
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    HealthState::from_word(&text(&json, "status").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{dialect, http, one};

    #[tokio::test]
    async fn old_brokers_have_a_probe_of_their_own_and_a_503_is_an_answer() {
        let down = one("GET /ready", 503, "");
        let health = Health::new(http(&down, Component::Zeebe), dialect("8.4.9"));
        assert_eq!(health.readiness().await.unwrap(), HealthState::Down);
        let up = one("GET /actuator/health/readiness", 200, r#"{"status":"UP"}"#);
        let health = Health::new(http(&up, Component::Operate), dialect("8.4.9"));
        assert_eq!(health.readiness().await.unwrap(), HealthState::Up);
        let absent = one("GET /actuator/health/readiness", 404, "");
        assert!(Health::new(http(&absent, Component::Zeebe), dialect("8.6.0")).readiness().await.is_err());
    }

    #[test]
    fn only_a_204_and_the_word_up_are_ready() {
        assert_eq!(state(StatusCode::NO_CONTENT, b""), HealthState::Up);
        let up = br#"{"status":"UP","components":{"brokerReady":{"status":"UP"}}}"#;
        assert_eq!(state(StatusCode::OK, up), HealthState::Up);
        for body in ["", "{}", "ok", r#"{"status":"OUT_OF_SERVICE"}"#, r#"{"status":1}"#] {
            assert_ne!(state(StatusCode::OK, body.as_bytes()), HealthState::Up, "{body}");
        }
    }
}
