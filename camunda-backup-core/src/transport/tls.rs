//! Whom to trust and who we are, as text or from files.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::settings::Strict;

/// A bundle of all authorities of an operating system has a few hundred kilobytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Whom to trust and who we are, all in PEM: as text, or in files that are read when a client is made with it. A
/// certificate that is renewed on disk is used from the next connect on.
///
/// It belongs to a transport ([`TransportConfig::tls`](super::TransportConfig::tls)), or to one address
/// ([`Endpoint::tls`](crate::Endpoint::tls)), where it takes the place of the transport's as a whole.
///
/// `Debug` says only what is there: files that hold a certificate and its key together are common.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", default, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// Certificates of additional authorities to trust, one or more PEM blocks.
    pub ca_pem: Option<String>,
    /// A file with them, in the place of `ca_pem`.
    pub ca_file: Option<PathBuf>,
    /// Trust the given authorities only, not the system's.
    pub only_given_ca: bool,
    /// Our client certificate (mTLS), leaf first, then its intermediates. Needs a key.
    pub client_cert_pem: Option<String>,
    /// A file with it, in the place of `client_cert_pem`.
    pub client_cert_file: Option<PathBuf>,
    /// The private key of the client certificate: PKCS#8, PKCS#1 or SEC1, not encrypted. Needs a certificate.
    pub client_key_pem: Option<Secret>,
    /// A file with it, in the place of `client_key_pem`; it may be the certificate's file.
    pub client_key_file: Option<PathBuf>,
}

impl<'de> Deserialize<'de> for TlsConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(Strict(deserializer))
    }
}

impl TlsConfig {
    /// With the authorities in a file.
    #[must_use]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// With the client certificate and its key in files.
    #[must_use]
    pub fn with_client_files(mut self, cert: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        (self.client_cert_file, self.client_key_file) = (Some(cert.into()), Some(key.into()));
        self
    }

    /// Asks `lookup` for `{prefix}_CA_FILE`, `_CLIENT_CERT_FILE` and `_CLIENT_KEY_FILE`; `None` when all are missing or
    /// empty.
    pub fn from_lookup(prefix: &str, lookup: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let path = |name: &str| {
            lookup(&format!("{prefix}_{name}")).filter(|path| !path.trim().is_empty()).map(PathBuf::from)
        };
        let tls = Self {
            ca_file: path("CA_FILE"),
            client_cert_file: path("CLIENT_CERT_FILE"),
            client_key_file: path("CLIENT_KEY_FILE"),
            ..Self::default()
        };
        (tls != Self::default()).then_some(tls)
    }

    /// The same with the contents of its files in the place of their paths. Reads small files, on the caller's thread.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] names the setting and the path: a file that cannot be read or holds no such PEM block, a text
    /// and a file for the same thing, a certificate without a key or a key without a certificate. Contents are never shown.
    pub fn loaded(&self) -> Result<Self, Error> {
        let key = self.client_key_pem.as_ref().map(|key| key.expose().to_owned());
        let loaded = Self {
            ca_pem: one_of("ca", self.ca_pem.clone(), self.ca_file.as_deref(), "CERTIFICATE")?,
            only_given_ca: self.only_given_ca,
            client_cert_pem: one_of(
                "client-cert",
                self.client_cert_pem.clone(),
                self.client_cert_file.as_deref(),
                "CERTIFICATE",
            )?,
            client_key_pem: one_of("client-key", key, self.client_key_file.as_deref(), "PRIVATE KEY")?
                .map(Secret::new),
            ..Self::default()
        };
        if loaded.client_cert_pem.is_some() == loaded.client_key_pem.is_some() {
            return Ok(loaded);
        }
        let (there, missing) =
            if loaded.client_cert_pem.is_some() { ("cert", "key") } else { ("key", "cert") };
        Err(bad(format!(
            "there is {}, and neither tls.client-{missing}-file nor tls.client-{missing}-pem: a certificate and its key \
             need each other",
            self.name_of(there)
        )))
    }

    /// Where the authorities, the certificate (`cert`) or the key (`key`) come from, as messages name it.
    pub(super) fn name_of(&self, what: &str) -> String {
        let (name, file) = match what {
            "ca" => ("ca", &self.ca_file),
            "cert" => ("client-cert", &self.client_cert_file),
            _ => ("client-key", &self.client_key_file),
        };
        match file {
            Some(path) => format!("tls.{name}-file {}", path.display()),
            None => format!("tls.{name}-pem"),
        }
    }
}

fn one_of(
    name: &str,
    text: Option<String>,
    file: Option<&Path>,
    block: &str,
) -> Result<Option<String>, Error> {
    match (text, file) {
        (Some(_), Some(_)) => {
            Err(bad(format!("tls.{name}-pem and tls.{name}-file are both set; take one of them away")))
        }
        (text, None) => Ok(text),
        (None, Some(path)) => {
            let setting = format!("tls.{name}-file {}", path.display());
            let text = read(path).map_err(|why| bad(format!("{setting} cannot be read: {why}")))?;
            // `BEGIN RSA PRIVATE KEY` and `BEGIN TRUSTED CERTIFICATE` are such blocks, too.
            let found = text.lines().any(|line| line.starts_with("-----BEGIN") && line.contains(block));
            if found { Ok(Some(text)) } else { Err(bad(format!("{setting} holds no PEM block {block}"))) }
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("it is longer than {MAX_FILE} bytes"));
    }
    String::from_utf8(bytes)
        .map_err(|_| "it is no text; convert it from DER to PEM (`openssl x509 -inform der`)".into())
}

fn bad(why: String) -> Error {
    Error::new(ErrorKind::Config, why)
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("ca_pem", &self.ca_pem.is_some())
            .field("ca_file", &self.ca_file)
            .field("only_given_ca", &self.only_given_ca)
            .field("client_cert_pem", &self.client_cert_pem.is_some())
            .field("client_cert_file", &self.client_cert_file)
            .field("client_key_pem", &self.client_key_pem.is_some())
            .field("client_key_file", &self.client_key_file)
            .finish()
    }
}
