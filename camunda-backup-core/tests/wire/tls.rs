//! TLS with our own authority, with the wrong one, and with client certificates.

use std::sync::Arc;

use camunda_backup_core::transport::reqwest::ReqwestTransport;
use camunda_backup_core::transport::{TlsConfig, TransportConfig};
use camunda_backup_core::{ErrorKind, Outcome, Secret};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::AsyncReadExt as _;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::{LazyConfigAcceptor, rustls};

use crate::server::{Connection, OK, Server};
use crate::{client_over, get, once, transport};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two authorities of one name would be told apart by their signatures only.
        let name = KeyPair::generate().unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("{:?}", &name.public_key_raw()[..8]));
        Self::with(params)
    }

    pub(crate) fn with(params: CertificateParams) -> Self {
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn issuer(&self) -> &CertifiedIssuer<'static, KeyPair> {
        &self.0
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    fn signed(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (certificate.signed_by(&key, &self.0).unwrap(), key)
    }

    /// Trusts this authority only and shows no certificate.
    fn trusted(&self) -> TlsConfig {
        TlsConfig { ca_pem: Some(self.0.pem()), only_given_ca: true, ..TlsConfig::default() }
    }

    /// Shows a certificate that this authority has signed.
    pub(crate) fn identified(&self) -> TlsConfig {
        let (certificate, key) = self.signed("backup");
        TlsConfig {
            client_cert_pem: Some(certificate.pem()),
            client_key_pem: Some(Secret::new(key.serialize_pem())),
            ..self.trusted()
        }
    }

    fn server_config(&self, name: &str, demands_certificate: bool) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let (certificate, key) = self.signed(name);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if demands_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }

    pub(crate) async fn server(&self, name: &str, demands_certificate: bool) -> Server {
        serving(self.server_config(name, demands_certificate)).await
    }
}

/// An HTTPS server that shows a certificate which rustls would not show by itself.
pub(crate) async fn server_that_shows(certificate: Vec<u8>, key: &KeyPair) -> Server {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let shown = CertifiedKey::new(vec![certificate.into()], key);
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    serving(Arc::new(config)).await
}

/// An HTTPS server; it waits for the client to go when a handshake fails, so that its alert arrives.
async fn serving(config: Arc<ServerConfig>) -> Server {
    Server::start(move |_, Connection { stream, seen }| {
        let config = Arc::clone(&config);
        async move {
            let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
            let Ok(hello) = acceptor.await else { return };
            match hello.into_stream(config).into_fallible().await {
                Ok(stream) => {
                    let mut connection = Connection { stream, seen };
                    while connection.request().await.is_some() {
                        connection.write(OK).await;
                    }
                }
                Err((_, mut stream)) => drop(stream.read_to_end(&mut Vec::new()).await),
            }
        }
    })
    .await
}

fn https(server: &Server) -> String {
    server.url().replace("http://", "https://")
}

fn config(tls: TlsConfig) -> TransportConfig {
    TransportConfig { tls, ..TransportConfig::default() }
}

#[tokio::test]
async fn our_own_authority_is_trusted_alone_or_beside_the_systems() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1", false).await;
    for only_given_ca in [true, false] {
        let tls = TlsConfig { only_given_ca, ..authority.trusted() };
        let client = client_over(transport(config(tls)), &https(&server));
        client.send(get()).await.unwrap();
        client.send(once()).await.unwrap();
    }
    assert_eq!(server.seen.requests().len(), 4);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_is_not_trusted() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1", false).await;
    let elsewhere = authority.server("zeebe.example", false).await;
    for (tls, server, words) in [
        (Authority::new().trusted(), &server, "UnknownIssuer"),
        (TlsConfig::default(), &server, "certificate"),
        (authority.trusted(), &elsewhere, "not valid for name"),
    ] {
        let error = client_over(transport(config(tls)), &https(server))
            .send(once().max_retries(0))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent));
        assert!(error.report().contains(words), "{}", error.report());
        assert_eq!(server.seen.requests(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_absence_is_a_refusal_before_anything_was_read() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1", true).await;
    client_over(transport(config(authority.identified())), &https(&server)).send(once()).await.unwrap();
    assert_eq!(server.seen.requests().len(), 1);

    let stranger = TlsConfig { ca_pem: authority.trusted().ca_pem, ..Authority::new().identified() };
    for tls in [authority.trusted(), stranger] {
        let error = client_over(transport(config(tls)), &https(&server))
            .send(once().max_retries(0))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome()),
            (ErrorKind::Connect, Outcome::NotSent),
            "{}",
            error.report()
        );
        assert!(error.report().contains("received fatal alert"), "{}", error.report());
        assert_eq!(server.seen.requests().len(), 1);
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused_without_being_shown() {
    let authority = Authority::new();
    let change = |change: fn(&mut TlsConfig)| {
        let mut tls = authority.identified();
        change(&mut tls);
        tls
    };
    let bad_key = "-----BEGIN PRIVATE KEY-----\nTAINT\n-----END PRIVATE KEY-----\n";
    for tls in [
        change(|tls| tls.ca_pem = Some("TAINT".to_owned())),
        change(|tls| {
            tls.ca_pem =
                Some("-----BEGIN CERTIFICATE-----\nVEFJTlQ=\n-----END CERTIFICATE-----\n".to_owned());
        }),
        change(|tls| tls.client_key_pem = None),
        change(|tls| tls.client_cert_pem = None),
        change(|tls| tls.client_cert_pem = Some("TAINT".to_owned())),
        change(|tls| tls.client_key_pem = Some(Secret::new("-----BEGIN TAINT"))),
        TlsConfig { client_key_pem: Some(Secret::new(bad_key)), ..authority.identified() },
        change(|tls| tls.client_key_pem = Authority::new().identified().client_key_pem),
    ] {
        let error = ReqwestTransport::new(config(tls)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?} {}", error.report()).contains("TAINT"), "{error:?}");
    }
}
