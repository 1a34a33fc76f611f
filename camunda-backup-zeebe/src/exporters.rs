//! The exporters of a cluster and whether they are enabled.

use camunda_backup_core::{Call, Effect, ExporterId, HttpClient, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, FromAnswer, text};
use crate::dialect::Dialect;
use crate::open_enum::open_enum;
use crate::refusal;

const LIST: &str = "zeebe.exporters.list";

open_enum! {
    /// Whether an exporter is enabled. A pause is something else: see [`ExporterPhase`](crate::ExporterPhase).
    ExporterStatus {
        /// It is being enabled.
        Enabling = "ENABLING",
        /// It exports.
        Enabled = "ENABLED",
        /// It is being disabled.
        Disabling = "DISABLING",
        /// It does not export, and the log does not wait for it.
        Disabled = "DISABLED",
        /// The servers do not know either.
        Unknown = "UNKNOWN",
        /// It is part of the cluster's state and no longer configured.
        ConfigNotFound = "CONFIG_NOT_FOUND",
    }
}

/// One exporter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Exporter {
    /// Its id, as configured.
    pub id: ExporterId,
    /// Whether it is enabled.
    pub status: ExporterStatus,
    /// The physical tenant (8.10).
    pub tenant: Option<String>,
}

impl FromAnswer for Exporter {
    fn from_answer(json: &Value) -> Result<Self, String> {
        let id = text(json, "exporterId").ok_or("an exporter without exporterId")?;
        Ok(Self {
            id: ExporterId::new(id).map_err(|error| error.to_string())?,
            status: ExporterStatus::from_word(&text(json, "status").unwrap_or_default()),
            tenant: text(json, "physicalTenant"),
        })
    }
}

/// The exporters of a cluster: `/actuator/exporters` (8.6+).
#[derive(Debug, Clone)]
pub struct Exporters {
    http: HttpClient,
    dialect: Dialect,
}

impl Exporters {
    /// A client for the management address of a gateway. Sends nothing.
    pub fn new(http: HttpClient, dialect: Dialect) -> Self {
        Self { http, dialect }
    }

    /// The HTTP handle.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Reads all exporters, sorted by id.
    ///
    /// # Errors
    /// [`Unsupported`](camunda_backup_core::ErrorKind::Unsupported) before 8.6.
    pub async fn list(&self) -> Result<Vec<Exporter>> {
        if !self.dialect.exporters {
            let message = format!("Zeebe {} cannot list its exporters", self.dialect.name);
            return Err(refusal::unsupported(&self.http, LIST, message));
        }
        let response = self.http.send(Call::get(LIST, "/actuator/exporters")).await?;
        let Answer::<Vec<Exporter>>(mut exporters) = self.http.decode(LIST, Effect::Read, None, &response)?;
        exporters.sort_by(|a, b| (&a.id, &a.tenant).cmp(&(&b.id, &b.tenant)));
        Ok(exporters)
    }
}

#[cfg(test)]
mod tests {
    use camunda_backup_core::Component;
    use camunda_backup_core::transport::script::ScriptedTransport;

    use super::*;
    use crate::answer::read;
    use crate::scripted::{dialect, http, one};

    #[test]
    fn lists_of_8_6_and_8_10_are_read() {
        let exporters: Vec<Exporter> = read(include_str!("../goldens/8.6.0/exporters.json"));
        assert_eq!(exporters[0].id.as_str(), "debug");
        assert_eq!(exporters[0].status, ExporterStatus::Enabled);
        let exporters: Vec<Exporter> = read(include_str!("../goldens/8.10/exporters.json"));
        assert_eq!(exporters[0].tenant.as_deref(), Some("default"));
        assert_eq!(exporters[0].status, ExporterStatus::Other("PARTLY".to_owned()));
    }

    #[tokio::test]
    async fn the_list_comes_sorted_and_older_versions_are_not_asked() {
        let script = one("GET /actuator/exporters", 200, include_str!("../goldens/8.10/exporters.json"));
        let exporters =
            Exporters::new(http(&script, Component::Zeebe), dialect("8.10.0")).list().await.unwrap();
        let ids: Vec<&str> = exporters.iter().map(|exporter| exporter.id.as_str()).collect();
        assert_eq!(ids, ["camundaexporter", "elasticsearch"]);
        let old = Exporters::new(http(&ScriptedTransport::new(), Component::Zeebe), dialect("8.5.8"));
        assert_eq!(old.list().await.unwrap_err().kind(), camunda_backup_core::ErrorKind::Unsupported);
    }
}
