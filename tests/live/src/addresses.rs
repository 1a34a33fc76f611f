//! Where the running servers are.

use std::path::{Path, PathBuf};

use crate::http::Http;
use crate::line::Line;
use crate::stack::LiveStack;

impl LiveStack {
    /// One management URL per broker.
    pub fn zeebe_management(&self) -> Vec<String> {
        self.brokers.iter().map(|broker| broker.web.management_url()).collect()
    }

    /// One URL of the REST API per broker.
    pub fn zeebe_rest(&self) -> Vec<String> {
        self.brokers.iter().map(|broker| broker.web.rest_url()).collect()
    }

    /// The management URL of the gateway that the cluster is reached through.
    pub fn gateway_management(&self) -> String {
        self.gateway.map_or_else(|| self.zeebe_management().remove(0), |gateway| gateway.web.management_url())
    }

    /// The URL of its REST API.
    pub fn gateway_rest(&self) -> String {
        self.gateway.map_or_else(|| self.zeebe_rest().remove(0), |gateway| gateway.web.rest_url())
    }

    /// None where Operate does not run.
    pub fn operate_management(&self) -> Option<&str> {
        self.operate.as_deref()
    }

    /// None where Tasklist does not run.
    pub fn tasklist_management(&self) -> Option<&str> {
        self.tasklist.as_deref()
    }

    /// The URL of Elasticsearch or OpenSearch.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// What runs here.
    pub fn line(&self) -> Line {
        self.line
    }

    /// The folder whose subfolders are the buckets.
    pub fn s3_dir(&self) -> &Path {
        &self.s3.dir
    }

    /// The folder with data and logs of all servers.
    pub fn folder(&self) -> PathBuf {
        self.work.path().into()
    }

    pub fn http(&self) -> &Http {
        &self.http
    }
}
