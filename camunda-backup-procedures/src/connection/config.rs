//! Where the components of one Camunda cluster are, and what the library may assume about it.

mod env_auth;

use std::collections::BTreeMap;
use std::path::PathBuf;

use camunda_backup_core::error::ErrorKind;
use camunda_backup_core::settings::{Strict, by_name, in_order};
use camunda_backup_core::{
    BrokerId, CamundaVersion, Endpoint, Error, IndexPrefix, RepositoryName, Result, TlsConfig,
};
use serde::{Deserialize, Deserializer};

/// One Camunda 8 Self-Managed installation: addresses (full base URLs, any prefix included) and names.
///
/// Built by [`ClusterConfig::new`] and field assignment, by [`ClusterConfig::from_env`], or from any serde source.
/// As data, keys may be written in `kebab-case` or `snake_case`, and one that is not known is an error that names the nearest
/// known one. Nothing here is guessed: a component without an address is taken to be absent.
#[derive(Debug, Clone, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ClusterConfig {
    /// The cluster's name in journals, claims and reports. One name per cluster, the same in every process: `a-z`, `0-9`, `.`,
    /// `_` and `-`, at most 128 of them, no dot at either end. Default `camunda`.
    #[serde(default = "default_name")]
    pub name: String,
    /// Management address of the Zeebe gateway (8.8+: of the orchestration cluster), e.g. `http://zeebe:9600`.
    pub zeebe: Endpoint,
    /// Addresses that the gateway had before. What is owed to one of them is owed to this cluster.
    #[serde(default, deserialize_with = "in_order")]
    pub formerly: Vec<Endpoint>,
    /// Application address that serves `/v1` (8.5) or `/v2` (8.6+). Without it the topology is read from the brokers.
    #[serde(default)]
    pub rest: Option<Endpoint>,
    /// Management address of each broker, by broker id: the witnesses of what exporting really does.
    #[serde(default, deserialize_with = "by_name")]
    pub brokers: BTreeMap<BrokerId, Endpoint>,
    /// How many brokers there are. Up to 8.3 nothing tells, so only with this can a pause be PROVEN there; later it is
    /// not needed.
    #[serde(default)]
    pub cluster_size: Option<usize>,
    /// Management address of Operate (8.1–8.7); up to 8.5 that is the application address.
    #[serde(default)]
    pub operate: Option<Endpoint>,
    /// Management address of Tasklist (8.1–8.7); up to 8.5 that is the application address.
    #[serde(default)]
    pub tasklist: Option<Endpoint>,
    /// Management address of the combined web applications (8.8+), normally the same as `zeebe`.
    #[serde(default)]
    pub webapps: Option<Endpoint>,
    /// Management address of Optimize, port 8092.
    #[serde(default)]
    pub optimize: Option<Endpoint>,
    /// Elasticsearch or OpenSearch. Without it only Zeebe can be backed up.
    #[serde(default)]
    pub store: Option<Endpoint>,
    /// The snapshot repository that the applications are configured with.
    #[serde(default)]
    pub repository: Option<RepositoryName>,
    /// The prefix of the exported records, `zeebe-record` by default.
    #[serde(default = "default_record_prefix")]
    pub record_prefix: IndexPrefix,
    /// The prefixes of the applications' indices; `operate`, `tasklist`, `optimize` and `camunda` by default.
    #[serde(default = "default_app_prefixes")]
    pub app_prefixes: Vec<IndexPrefix>,
    /// What the web applications store their data in (8.9+ may use a relational database).
    #[serde(default)]
    pub secondary_storage: SecondaryStorage,
    /// The version to assume where no component tells, or to insist on against what they tell.
    #[serde(default)]
    pub version: Option<CamundaVersion>,
    /// Accept a version outside the supported range and treat it like the nearest supported line.
    #[serde(default)]
    pub accept_unsupported_version: bool,
    /// On 8.10 use the actuators also where the REST API exists.
    #[serde(default)]
    pub prefer_actuators: bool,
    /// Trust and client certificate of all `https` addresses that have no [`Endpoint::tls`] of their own, that of an OIDC
    /// provider included. Files are read by each connect.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// The directory of the journal. Required unless a journal is given in code.
    #[serde(default)]
    pub journal: Option<PathBuf>,
    /// After how many days the journal forgets a run that has ended and owes nothing; 0 keeps all for ever. Default 90.
    ///
    /// Runs are removed at the end of later ones. The newest stays, and the one with the highest backup id. With a run goes
    /// what proves that its parts are ours, so [`Cluster::abandon`](crate::Cluster::abandon) refuses its id then.
    #[serde(default = "default_retention_days")]
    pub retention_days: u32,
}

impl<'de> Deserialize<'de> for ClusterConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

/// Where Camunda keeps what its web applications show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SecondaryStorage {
    /// Elasticsearch or OpenSearch.
    #[default]
    #[serde(alias = "search_store")]
    SearchStore,
    /// A relational database (8.9+). It is backed up with its own tools; this library can do the Zeebe part.
    Rdbms,
}

const fn default_retention_days() -> u32 {
    90
}

fn default_name() -> String {
    "camunda".to_owned()
}

fn prefix(name: &str) -> Option<IndexPrefix> {
    IndexPrefix::new(name).ok()
}

#[allow(clippy::expect_used)] // The literal is a valid prefix; a test calls it.
fn default_record_prefix() -> IndexPrefix {
    prefix("zeebe-record").expect("a literal prefix")
}

fn default_app_prefixes() -> Vec<IndexPrefix> {
    ["operate", "tasklist", "optimize", "camunda"].into_iter().filter_map(prefix).collect()
}

impl ClusterConfig {
    /// A cluster of which only the Zeebe gateway's management address is known.
    pub fn new(zeebe: Endpoint) -> Self {
        Self {
            name: default_name(),
            zeebe,
            formerly: Vec::new(),
            rest: None,
            brokers: BTreeMap::new(),
            cluster_size: None,
            operate: None,
            tasklist: None,
            webapps: None,
            optimize: None,
            store: None,
            repository: None,
            record_prefix: default_record_prefix(),
            app_prefixes: default_app_prefixes(),
            secondary_storage: SecondaryStorage::default(),
            version: None,
            accept_unsupported_version: false,
            prefer_actuators: false,
            tls: None,
            journal: None,
            retention_days: default_retention_days(),
        }
    }

    /// Reads the configuration from the environment.
    ///
    /// | variable | meaning |
    /// |---|---|
    /// | `CAMUNDA_ZEEBE_URL` | required: management address of the gateway |
    /// | `CAMUNDA_STORE_URL`, `CAMUNDA_REPOSITORY` | the search store and the snapshot repository |
    /// | `CAMUNDA_OPERATE_URL`, `CAMUNDA_TASKLIST_URL`, `CAMUNDA_WEBAPPS_URL`, `CAMUNDA_OPTIMIZE_URL` | management addresses |
    /// | `CAMUNDA_REST_URL` | the application address with `/v1` or `/v2` |
    /// | `CAMUNDA_BROKER_URLS` | `0=http://zeebe-0:9600,1=http://zeebe-1:9600` |
    /// | `CAMUNDA_BACKUP_JOURNAL` | the journal's directory; default `camunda-backup-journal` in the working directory |
    /// | `CAMUNDA_BACKUP_RETENTION_DAYS` | after how many days the journal forgets a run that is over; default 90, 0 keeps all |
    /// | `CAMUNDA_ZEEBE_FORMER_URLS` | `http://old:9600,…`: addresses that the gateway had before |
    /// | `CAMUNDA_CLUSTER_SIZE` | how many brokers there are; of use up to 8.3 |
    /// | `CAMUNDA_CLUSTER_NAME`, `CAMUNDA_VERSION`, `CAMUNDA_RECORD_PREFIX` | optional |
    /// | `CAMUNDA_STORE_API_KEY`, `CAMUNDA_STORE_BEARER_TOKEN` | credentials for the store; one of them |
    /// | `CAMUNDA_BEARER_TOKEN` | a token for all addresses of Camunda |
    /// | `CAMUNDA_OIDC_TOKEN_URL`, `CAMUNDA_OIDC_CLIENT_ID`, `CAMUNDA_OIDC_CLIENT_SECRET` | OIDC client credentials for all addresses of Camunda |
    /// | `CAMUNDA_OIDC_AUDIENCE`, `CAMUNDA_OIDC_SCOPE` | optional, for OIDC |
    /// | `CAMUNDA_CA_FILE` | PEM file of the authorities to trust beside the system's, for all `https` addresses |
    /// | `CAMUNDA_CLIENT_CERT_FILE`, `CAMUNDA_CLIENT_KEY_FILE` | PEM files of our client certificate and its key |
    /// | `CAMUNDA_STORE_CA_FILE`, `CAMUNDA_STORE_CLIENT_CERT_FILE`, `CAMUNDA_STORE_CLIENT_KEY_FILE` | the same for the store alone; if one is set, the three above are not the store's |
    ///
    /// Credentials may stand in the URLs (`https://user:password@host`); they are moved out at once, and an address that has
    /// some keeps them.
    ///
    /// # Errors
    /// `Config` names the variable that is missing or wrong, never its value.
    pub fn from_env() -> Result<Self> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Like [`ClusterConfig::from_env`], from any source of named values.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let endpoint =
            |name: &str| lookup(name).map(|url| Endpoint::new(&url).map_err(in_variable(name))).transpose();
        let zeebe = endpoint("CAMUNDA_ZEEBE_URL")?.ok_or_else(|| {
            Error::new(ErrorKind::Config, "CAMUNDA_ZEEBE_URL is not set")
                .with_advice("set it to the management address of the Zeebe gateway, e.g. http://zeebe:9600")
        })?;
        let mut config = Self::new(zeebe);
        config.rest = endpoint("CAMUNDA_REST_URL")?;
        config.operate = endpoint("CAMUNDA_OPERATE_URL")?;
        config.tasklist = endpoint("CAMUNDA_TASKLIST_URL")?;
        config.webapps = endpoint("CAMUNDA_WEBAPPS_URL")?;
        config.optimize = endpoint("CAMUNDA_OPTIMIZE_URL")?;
        config.store = endpoint("CAMUNDA_STORE_URL")?;
        config.repository = parsed(&lookup, "CAMUNDA_REPOSITORY")?;
        config.version = parsed(&lookup, "CAMUNDA_VERSION")?;
        config.record_prefix = parsed(&lookup, "CAMUNDA_RECORD_PREFIX")?.unwrap_or(config.record_prefix);
        config.name = lookup("CAMUNDA_CLUSTER_NAME").unwrap_or(config.name);
        if let Some(list) = lookup("CAMUNDA_BROKER_URLS") {
            config.brokers = brokers(&list).map_err(in_variable("CAMUNDA_BROKER_URLS"))?;
        }
        if let Some(list) = lookup("CAMUNDA_ZEEBE_FORMER_URLS") {
            let urls = list.split(',').map(str::trim).filter(|url| !url.is_empty()).map(Endpoint::new);
            config.formerly =
                urls.collect::<Result<_>>().map_err(in_variable("CAMUNDA_ZEEBE_FORMER_URLS"))?;
        }
        if let Some(size) = lookup("CAMUNDA_CLUSTER_SIZE") {
            config.cluster_size = Some(size.trim().parse().map_err(|_| {
                in_variable("CAMUNDA_CLUSTER_SIZE")(Error::new(ErrorKind::Config, "this is not a number"))
            })?);
        }
        if let Some(days) = lookup("CAMUNDA_BACKUP_RETENTION_DAYS") {
            config.retention_days = days.trim().parse().map_err(|_| {
                in_variable("CAMUNDA_BACKUP_RETENTION_DAYS")(Error::new(
                    ErrorKind::Config,
                    "this is not a number of days",
                ))
            })?;
        }
        env_auth::apply(&mut config, &lookup)?;
        config.tls = TlsConfig::from_lookup("CAMUNDA", lookup);
        let journal = lookup("CAMUNDA_BACKUP_JOURNAL").unwrap_or_else(|| "camunda-backup-journal".to_owned());
        config.journal = Some(PathBuf::from(journal));
        Ok(config)
    }
}

impl ClusterConfig {
    /// Whether a gateway's address of the past is this cluster's. Plans of the first versions name none.
    pub(crate) fn is_at(&self, gateway: &str) -> bool {
        gateway.is_empty()
            || gateway == self.zeebe.base()
            || self.formerly.iter().any(|former| former.base() == gateway)
    }

    /// Each application has a backup endpoint of its own, and all of them have the same path.
    pub(crate) fn check_addresses(&self) -> Result<()> {
        let apps = [("operate", &self.operate), ("tasklist", &self.tasklist), ("optimize", &self.optimize)];
        let apps =
            apps.into_iter().filter_map(|(name, endpoint)| Some((name.to_owned(), endpoint.as_ref()?)));
        let brokers = self.brokers.iter().map(|(id, endpoint)| (format!("broker {id}"), endpoint));
        let known: Vec<(String, &Endpoint)> = apps.chain(brokers).collect();
        for (place, (name, endpoint)) in known.iter().enumerate() {
            let twin = known.iter().skip(place + 1).find(|(_, other)| other.base() == endpoint.base());
            if let Some((other, _)) = twin {
                let message = format!("{name} and {other} have the same address, {}", endpoint.base());
                return Err(Error::new(ErrorKind::Config, message).with_advice(
                    "each has a management address of its own; correct the one that is the other's",
                ));
            }
        }
        Ok(())
    }
}

fn in_variable(name: &str) -> impl Fn(Error) -> Error {
    let name = name.to_owned();
    move |error| error.with_kind(ErrorKind::Config).with_subject(&name)
}

fn parsed<T: std::str::FromStr<Err = Error>>(
    lookup: &impl Fn(&str) -> Option<String>,
    name: &str,
) -> Result<Option<T>> {
    lookup(name).map(|value| value.trim().parse().map_err(in_variable(name))).transpose()
}

fn brokers(list: &str) -> Result<BTreeMap<BrokerId, Endpoint>> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let (id, url) = entry.split_once('=').ok_or_else(|| {
                Error::new(ErrorKind::Config, "an entry is not of the form <broker id>=<management URL>")
            })?;
            Ok((BrokerId::new(id.trim())?, Endpoint::new(url)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use camunda_backup_core::{Auth, Secret};

    use super::*;

    type Variables = &'static [(&'static str, &'static str)];
    type Is = fn(&Auth) -> bool;

    fn from(pairs: &[(&str, &str)]) -> Result<ClusterConfig> {
        ClusterConfig::from_lookup(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_names_addresses_and_brokers() {
        let config = from(&[
            ("CAMUNDA_ZEEBE_URL", "http://zeebe:9600"),
            ("CAMUNDA_OPERATE_URL", "http://operate:9600/operate"),
            ("CAMUNDA_REPOSITORY", "backups"),
            ("CAMUNDA_BROKER_URLS", "0=http://b0:9600, zone_1=http://b1:9600"),
            ("CAMUNDA_TASKLIST_URL", " "),
        ])
        .unwrap();
        assert_eq!(config.operate.unwrap().base(), "http://operate:9600/operate");
        assert_eq!(config.brokers.keys().map(BrokerId::as_str).collect::<Vec<_>>(), ["0", "zone_1"]);
        assert!(config.tasklist.is_none());
        assert_eq!(config.record_prefix.as_str(), "zeebe-record");
    }

    #[test]
    fn as_data_no_setting_is_dropped() {
        let read =
            |json: &str| serde_json::from_str::<ClusterConfig>(json).map_err(|error| error.to_string());
        for key in ["record-prefix", "record_prefix"] {
            let config = read(&format!(r#"{{"zeebe": "http://z", "{key}": "mine"}}"#)).unwrap();
            assert_eq!(config.record_prefix.as_str(), "mine");
        }
        let error = read(r#"{"zeebe": "http://z", "repositry": "r"}"#).unwrap_err();
        assert!(error.contains("`repositry`; did you mean `repository`?"), "{error}");
        let error = read(r#"{"zeebe": {"url": "http://z", "atuh": "none"}}"#).unwrap_err();
        assert!(error.contains("zeebe: ") && error.contains("did you mean `auth`?"), "{error}");
        assert!(read("{}").unwrap_err().contains("zeebe"));
    }

    #[test]
    fn credentials_come_from_the_environment_and_those_in_a_url_stay() {
        let base = [
            ("CAMUNDA_ZEEBE_URL", "http://z"),
            ("CAMUNDA_OPERATE_URL", "http://u:p@o"),
            ("CAMUNDA_BROKER_URLS", "0=http://b"),
            ("CAMUNDA_STORE_URL", "http://s"),
        ];
        let with = |more: &[(&'static str, &'static str)]| from(&[&base[..], more].concat());
        let config = with(&[("CAMUNDA_STORE_API_KEY", "k"), ("CAMUNDA_BEARER_TOKEN", "t")]).unwrap();
        assert_eq!(config.store.unwrap().auth, Auth::ApiKey(Secret::new("k")));
        assert_eq!(config.zeebe.auth, Auth::Bearer(Secret::new("t")));
        assert_eq!(config.brokers.values().next().unwrap().auth, Auth::Bearer(Secret::new("t")));
        assert_eq!(config.operate.unwrap().auth, Auth::basic("u", "p"));
        let oidc = [
            ("CAMUNDA_OIDC_TOKEN_URL", "https://idp/token"),
            ("CAMUNDA_OIDC_CLIENT_ID", "c"),
            ("CAMUNDA_OIDC_CLIENT_SECRET", "hunter2"),
            ("CAMUNDA_OIDC_AUDIENCE", "a"),
        ];
        let config = with(&oidc).unwrap();
        assert!(matches!(&config.zeebe.auth, Auth::Oidc(oidc) if oidc.audience.as_deref() == Some("a")));
        assert_eq!(config.store.unwrap().auth, Auth::None, "the store has credentials of its own");
        for (wrong, words) in [
            (&oidc[..1], "CAMUNDA_OIDC_CLIENT_ID"),
            (&oidc[3..], "CAMUNDA_OIDC_TOKEN_URL"),
            (
                &[("CAMUNDA_STORE_API_KEY", "k"), ("CAMUNDA_STORE_BEARER_TOKEN", "t")][..],
                "CAMUNDA_STORE_BEARER_TOKEN",
            ),
            (&[oidc[0], oidc[1], oidc[2], ("CAMUNDA_BEARER_TOKEN", "t")][..], "CAMUNDA_BEARER_TOKEN"),
        ] {
            let error = with(wrong).unwrap_err();
            assert!(error.report().contains(words) && !error.report().contains("hunter2"), "{error}");
        }
        let no_store =
            from(&[("CAMUNDA_ZEEBE_URL", "http://z"), ("CAMUNDA_STORE_API_KEY", "k")]).unwrap_err();
        assert!(no_store.to_string().contains("CAMUNDA_STORE_URL"), "{no_store}");
    }

    /// Every kind of credentials from the environment reaches every address that it is for, and no other.
    #[test]
    fn each_kind_of_credentials_reaches_each_address_that_has_none() {
        const CAMUNDA: [&str; 7] =
            ["ZEEBE", "REST", "OPERATE", "TASKLIST", "WEBAPPS", "OPTIMIZE", "ZEEBE_FORMER"];
        let urls: Vec<(String, String)> =
            CAMUNDA
                .iter()
                .map(|name| {
                    if *name == "ZEEBE_FORMER" {
                        "ZEEBE_FORMER_URLS".to_owned()
                    } else {
                        format!("{name}_URL")
                    }
                })
                .map(|name| {
                    (format!("CAMUNDA_{name}"), format!("https://{}", name.to_lowercase().replace('_', "-")))
                })
                .collect();
        let kinds: [(Variables, Is, Is); 4] = [
            (
                &[("CAMUNDA_BEARER_TOKEN", "t")],
                |auth| matches!(auth, Auth::Bearer(_)),
                |auth| *auth == Auth::None,
            ),
            (
                &[
                    ("CAMUNDA_OIDC_TOKEN_URL", "https://idp/token"),
                    ("CAMUNDA_OIDC_CLIENT_ID", "c"),
                    ("CAMUNDA_OIDC_CLIENT_SECRET", "s"),
                ],
                |auth| matches!(auth, Auth::Oidc(_)),
                |auth| *auth == Auth::None,
            ),
            (
                &[("CAMUNDA_STORE_API_KEY", "k")],
                |auth| *auth == Auth::None,
                |auth| matches!(auth, Auth::ApiKey(_)),
            ),
            (
                &[("CAMUNDA_STORE_BEARER_TOKEN", "k")],
                |auth| *auth == Auth::None,
                |auth| matches!(auth, Auth::Bearer(_)),
            ),
        ];
        for (variables, of_camunda, of_store) in kinds {
            let mut all: Vec<(&str, &str)> =
                urls.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
            all.extend([
                ("CAMUNDA_BROKER_URLS", "0=https://b0,1=https://b1"),
                ("CAMUNDA_STORE_URL", "https://s"),
            ]);
            all.extend(variables);
            let config = from(&all).unwrap();
            let single = [config.rest, config.operate, config.tasklist, config.webapps, config.optimize];
            let many = config.brokers.into_values().chain(config.formerly);
            let addresses: Vec<Endpoint> =
                single.into_iter().map(Option::unwrap).chain(many).chain([config.zeebe]).collect();
            assert_eq!(addresses.len(), 9);
            for address in addresses {
                assert!(of_camunda(&address.auth), "{variables:?}: {}", address.base());
            }
            assert!(of_store(&config.store.unwrap().auth), "{variables:?}");
        }
    }

    #[test]
    fn certificates_come_from_files_that_the_environment_names() {
        let base = [("CAMUNDA_ZEEBE_URL", "https://z"), ("CAMUNDA_STORE_URL", "https://s")];
        let with = |more: &[(&'static str, &'static str)]| from(&[&base[..], more].concat());
        let config = with(&[
            ("CAMUNDA_CA_FILE", "/ca.crt"),
            ("CAMUNDA_CLIENT_CERT_FILE", "/tls.crt"),
            ("CAMUNDA_CLIENT_KEY_FILE", "/tls.key"),
            ("CAMUNDA_STORE_CA_FILE", "/store.crt"),
        ])
        .unwrap();
        let all = TlsConfig::default().with_ca_file("/ca.crt").with_client_files("/tls.crt", "/tls.key");
        assert_eq!(config.tls, Some(all));
        assert_eq!(
            config.store.unwrap().tls,
            Some(Box::new(TlsConfig::default().with_ca_file("/store.crt")))
        );
        assert!(with(&[]).unwrap().tls.is_none());
        let no_store =
            from(&[("CAMUNDA_ZEEBE_URL", "https://z"), ("CAMUNDA_STORE_CA_FILE", "/x")]).unwrap_err();
        assert!(no_store.to_string().contains("CAMUNDA_STORE_URL"), "{no_store}");
    }

    #[test]
    fn a_wrong_variable_is_named_and_its_value_is_not_shown() {
        let error = from(&[("CAMUNDA_ZEEBE_URL", "ftp://u:hunter2@h")]).unwrap_err();
        assert!(error.to_string().contains("CAMUNDA_ZEEBE_URL") && !format!("{error:?}").contains("hunter2"));
        assert!(from(&[]).unwrap_err().to_string().contains("CAMUNDA_ZEEBE_URL is not set"));
        assert!(from(&[("CAMUNDA_ZEEBE_URL", "http://z"), ("CAMUNDA_REPOSITORY", "a*")]).is_err());
    }
}
