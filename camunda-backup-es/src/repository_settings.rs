//! What a repository is registered with.

use std::collections::BTreeMap;

use camunda_backup_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

/// Where snapshots are kept. Credentials are never part of it: they live in the store's own keystore, under `client`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepositorySettings {
    /// A directory that every node mounts (type `fs`).
    Fs(FsRepository),
    /// An S3 bucket (type `s3`, a plugin on OpenSearch and Elasticsearch 7).
    S3(S3Repository),
    /// A Google Cloud Storage bucket (type `gcs`, a plugin likewise).
    Gcs(GcsRepository),
    /// An Azure Blob Storage container (type `azure`, a plugin likewise).
    Azure(AzureRepository),
    /// A read-only URL (type `url`).
    Url(UrlRepository),
    /// A repository that stores sources only, on top of another type (type `source`, Elasticsearch). Its snapshots
    /// hold no doc values and must be reindexed after a restore.
    Source(SourceRepository),
}

/// What all types have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepositoryOptions {
    /// Whether this cluster may only read. Must be true on all clusters but one that share a location. Sent as
    /// `readonly`; the servers ignore the spelling `read_only` silently.
    pub readonly: bool,
    /// Any other setting by its server name, such as `max_snapshot_bytes_per_sec: "40mb"` or `chunk_size`.
    pub others: BTreeMap<String, String>,
}

/// Settings of a shared file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FsRepository {
    /// The directory: absolute below one of `path.repo`, or relative to the first of them.
    pub location: String,
    /// Common settings.
    pub options: RepositoryOptions,
}

/// Settings of an S3 bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Repository {
    /// The bucket.
    pub bucket: String,
    /// The folder in it; empty for the root.
    pub base_path: String,
    /// The name of the client in the keystore; empty for `default`.
    pub client: String,
    /// Common settings.
    pub options: RepositoryOptions,
}

/// Settings of a Google Cloud Storage bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcsRepository {
    /// The bucket.
    pub bucket: String,
    /// The folder in it; empty for the root.
    pub base_path: String,
    /// The name of the client in the keystore; empty for `default`.
    pub client: String,
    /// Common settings.
    pub options: RepositoryOptions,
}

/// Settings of an Azure container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AzureRepository {
    /// The container.
    pub container: String,
    /// The folder in it; empty for the root.
    pub base_path: String,
    /// The name of the client in the keystore; empty for `default`.
    pub client: String,
    /// Common settings.
    pub options: RepositoryOptions,
}

/// Settings of a read-only URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UrlRepository {
    /// The URL (`http`, `https`, `ftp`, `file`, `jar`). It must hold no password: the store shows it to everybody.
    pub url: String,
    /// Other settings by their server names.
    pub others: BTreeMap<String, String>,
}

/// Settings of a source-only repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRepository {
    /// Where it really stores.
    pub delegate: Box<RepositorySettings>,
}

impl RepositorySettings {
    /// A shared directory.
    pub fn fs(location: impl Into<String>) -> Self {
        Self::Fs(FsRepository { location: location.into(), ..FsRepository::default() })
    }

    /// An S3 bucket and the folder in it.
    pub fn s3(bucket: impl Into<String>, base_path: impl Into<String>) -> Self {
        Self::S3(S3Repository {
            bucket: bucket.into(),
            base_path: base_path.into(),
            ..S3Repository::default()
        })
    }

    /// A Google Cloud Storage bucket and the folder in it.
    pub fn gcs(bucket: impl Into<String>, base_path: impl Into<String>) -> Self {
        Self::Gcs(GcsRepository {
            bucket: bucket.into(),
            base_path: base_path.into(),
            ..GcsRepository::default()
        })
    }

    /// An Azure container and the folder in it.
    pub fn azure(container: impl Into<String>, base_path: impl Into<String>) -> Self {
        Self::Azure(AzureRepository {
            container: container.into(),
            base_path: base_path.into(),
            ..AzureRepository::default()
        })
    }

    /// The same, for a cluster that may only read.
    #[must_use]
    pub fn readonly(mut self) -> Self {
        if let Some(options) = self.options_mut() {
            options.readonly = true;
        }
        self
    }

    /// The server's word for the type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Fs(_) => "fs",
            Self::S3(_) => "s3",
            Self::Gcs(_) => "gcs",
            Self::Azure(_) => "azure",
            Self::Url(_) => "url",
            Self::Source(_) => "source",
        }
    }

    /// Whether this cluster may only read; a URL always.
    pub fn is_readonly(&self) -> bool {
        match self {
            Self::Fs(FsRepository { options, .. })
            | Self::S3(S3Repository { options, .. })
            | Self::Gcs(GcsRepository { options, .. })
            | Self::Azure(AzureRepository { options, .. }) => options.readonly,
            Self::Url(_) => true,
            Self::Source(source) => source.delegate.is_readonly(),
        }
    }

    fn options_mut(&mut self) -> Option<&mut RepositoryOptions> {
        match self {
            Self::Fs(FsRepository { options, .. })
            | Self::S3(S3Repository { options, .. })
            | Self::Gcs(GcsRepository { options, .. })
            | Self::Azure(AzureRepository { options, .. }) => Some(options),
            Self::Url(_) => None,
            Self::Source(source) => source.delegate.options_mut(),
        }
    }

    /// The body of `PUT /_snapshot/{repo}`.
    pub(crate) fn body(&self) -> Result<Value> {
        Ok(json!({ "type": self.kind(), "settings": self.settings()? }))
    }

    fn settings(&self) -> Result<Map<String, Value>> {
        match self {
            Self::Fs(fs) => with_options(&[("location", &fs.location)], &[], &fs.options),
            Self::S3(s3) => with_options(
                &[("bucket", &s3.bucket)],
                &[("base_path", &s3.base_path), ("client", &s3.client)],
                &s3.options,
            ),
            Self::Gcs(gcs) => with_options(
                &[("bucket", &gcs.bucket)],
                &[("base_path", &gcs.base_path), ("client", &gcs.client)],
                &gcs.options,
            ),
            Self::Azure(azure) => with_options(
                &[("container", &azure.container)],
                &[("base_path", &azure.base_path), ("client", &azure.client)],
                &azure.options,
            ),
            Self::Url(url) => assembled(&[("url", &url.url)], &[], &url.others),
            Self::Source(source) => {
                if matches!(*source.delegate, Self::Source(_)) {
                    return Err(invalid("a source-only repository cannot stand on another one"));
                }
                let mut settings = source.delegate.settings()?;
                settings.insert("delegate_type".to_owned(), source.delegate.kind().into());
                Ok(settings)
            }
        }
    }
}

fn with_options(
    required: &[(&str, &String)],
    optional: &[(&str, &String)],
    options: &RepositoryOptions,
) -> Result<Map<String, Value>> {
    let mut settings = assembled(required, optional, &options.others)?;
    settings.insert("readonly".to_owned(), options.readonly.into());
    Ok(settings)
}

fn assembled(
    required: &[(&str, &String)],
    optional: &[(&str, &String)],
    others: &BTreeMap<String, String>,
) -> Result<Map<String, Value>> {
    let mut settings = Map::new();
    for (name, value) in others {
        let field = required.iter().chain(optional).any(|(field, _)| field == name);
        if field || matches!(name.as_str(), "readonly" | "read_only" | "delegate_type") {
            return Err(invalid(&format!("the setting {name:?} has a field of its own")));
        }
        settings.insert(name.clone(), value.as_str().into());
    }
    for (name, value) in required {
        if value.is_empty() {
            return Err(invalid(&format!("a repository needs its {name:?}")));
        }
        settings.insert((*name).to_owned(), value.as_str().into());
    }
    for (name, value) in optional.iter().filter(|(_, value)| !value.is_empty()) {
        settings.insert((*name).to_owned(), value.as_str().into());
    }
    Ok(settings)
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_spell_readonly_as_the_servers_do() {
        let body = RepositorySettings::fs("/backups").readonly().body().unwrap();
        assert_eq!(body, json!({"type": "fs", "settings": {"location": "/backups", "readonly": true}}));
        let mut s3 = S3Repository { bucket: "b".into(), client: "backup".into(), ..S3Repository::default() };
        s3.options.others.insert("max_snapshot_bytes_per_sec".into(), "40mb".into());
        assert_eq!(
            RepositorySettings::S3(s3).body().unwrap(),
            json!({"type": "s3", "settings": {
                "bucket": "b", "client": "backup", "readonly": false, "max_snapshot_bytes_per_sec": "40mb"
            }})
        );
        let url = UrlRepository { url: "file:/b".into(), ..UrlRepository::default() };
        assert_eq!(
            RepositorySettings::Url(url).body().unwrap(),
            json!({"type": "url", "settings": {"url": "file:/b"}})
        );
        let source =
            RepositorySettings::Source(SourceRepository { delegate: Box::new(RepositorySettings::fs("x")) });
        assert_eq!(source.readonly().body().unwrap()["settings"]["delegate_type"], "fs");
    }

    #[test]
    fn the_spelling_that_does_nothing_cannot_be_sent() {
        for trap in ["read_only", "readonly", "location"] {
            let mut fs = FsRepository { location: "x".into(), ..FsRepository::default() };
            fs.options.others.insert(trap.into(), "true".into());
            let error = RepositorySettings::Fs(fs).body().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{trap}");
        }
        assert!(RepositorySettings::fs("").body().is_err());
        let nested = SourceRepository { delegate: Box::new(RepositorySettings::fs("x")) };
        let nested = SourceRepository { delegate: Box::new(RepositorySettings::Source(nested)) };
        assert!(RepositorySettings::Source(nested).body().is_err());
    }
}
