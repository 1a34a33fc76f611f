//! TLS settings of single addresses, from files: each address has its own authority and its own client certificate.

use std::path::PathBuf;
use std::sync::Arc;

use camunda_backup_core::transport::script::ScriptedTransport;
use camunda_backup_core::transport::{TlsConfig, Transport, TransportConfig};
use camunda_backup_core::{Auth, Component, Endpoint, ErrorKind, HttpClient, OidcConfig, Result, Secret};
use tempfile::TempDir;

use crate::server::Server;
use crate::tls::Authority;
use crate::{get, once, transport};

fn https(server: &Server) -> Endpoint {
    Endpoint::new(&server.url().replace("http://", "https://")).unwrap()
}

/// The settings as files, as a Kubernetes secret mounts them.
fn in_files(folder: &TempDir, name: &str, tls: &TlsConfig) -> TlsConfig {
    let write = |what: &str, text: &str| -> PathBuf {
        let path = folder.path().join(format!("{name}-{what}"));
        std::fs::write(&path, text).unwrap();
        path
    };
    TlsConfig {
        ca_file: tls.ca_pem.as_deref().map(|text| write("ca.crt", text)),
        only_given_ca: tls.only_given_ca,
        client_cert_file: tls.client_cert_pem.as_deref().map(|text| write("tls.crt", text)),
        client_key_file: tls.client_key_pem.as_ref().map(|key| write("tls.key", key.expose())),
        ..TlsConfig::default()
    }
}

fn client(transport: &Arc<dyn Transport>, endpoint: Endpoint) -> Result<HttpClient> {
    HttpClient::new(Arc::clone(transport), Component::Store, endpoint)
}

#[tokio::test]
async fn two_addresses_over_one_transport_have_an_authority_and_a_certificate_each() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (Authority::new(), Authority::new());
    let (first, second) = (one.server("127.0.0.1", true).await, other.server("127.0.0.1", true).await);
    let (one, other) =
        (in_files(&folder, "one", &one.identified()), in_files(&folder, "other", &other.identified()));
    let shared = transport(TransportConfig::default());

    for (server, tls) in [(&first, &one), (&second, &other)] {
        let client = client(&shared, https(server).with_tls(tls.clone())).unwrap();
        client.send(get()).await.unwrap();
        client.send(once()).await.unwrap();
        assert_eq!(server.seen.requests().len(), 2);
    }
    let without = client(&shared, https(&first)).unwrap().send(get()).await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Connect, "the settings of one address are not those of all");
    let crossed = client(&shared, https(&first).with_tls(other)).unwrap().send(get()).await.unwrap_err();
    assert!(crossed.report().contains("tls.ca-file"), "{}", crossed.report());
    assert_eq!(first.seen.requests().len(), 2);
}

#[tokio::test]
async fn the_provider_of_tokens_has_its_own_authority() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let provider = authority.server("127.0.0.1", true).await;
    let mut oidc = OidcConfig::new(https(&provider).base(), "id", Secret::new("s")).unwrap();
    let client_of = |oidc: &OidcConfig| {
        let endpoint = Endpoint::new("http://127.0.0.1:9").unwrap().with_auth(Auth::Oidc(oidc.clone()));
        client(&transport(TransportConfig::default()), endpoint)
    };
    let refused = client_of(&oidc).unwrap().send(get()).await.unwrap_err();
    assert!(refused.report().contains("invalid peer certificate"), "{}", refused.report());
    assert!(provider.seen.requests().is_empty());
    oidc.tls = Some(Box::new(in_files(&folder, "idp", &authority.identified())));
    let answered = client_of(&oidc).unwrap().send(get()).await.unwrap_err();
    assert_eq!(answered.component(), Some(&Component::IdentityProvider), "its answer holds no token");
    assert!(!provider.seen.requests().is_empty());
    oidc.tls = Some(Box::new(TlsConfig::default().with_ca_file("/no/such.crt")));
    let error = client_of(&oidc).unwrap_err();
    assert!(error.to_string().contains("identity provider") && error.to_string().contains("/no/such.crt"));
}

#[tokio::test]
async fn a_renewed_certificate_is_read_by_the_next_client() {
    let folder = TempDir::new().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    let server = new.server("127.0.0.1", true).await;
    let shared = transport(TransportConfig::default());
    let tls = in_files(&folder, "it", &old.identified());
    let before = client(&shared, https(&server).with_tls(tls.clone())).unwrap();
    assert!(before.send(get()).await.is_err());
    assert_eq!(in_files(&folder, "it", &new.identified()), tls, "the same paths");
    client(&shared, https(&server).with_tls(tls)).unwrap().send(get()).await.unwrap();
}

#[test]
fn what_cannot_be_used_is_named_by_setting_and_path_and_never_shown() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    let good = in_files(&folder, "good", &authority.identified());
    let file = |name: &str, contents: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path
    };
    let bad_key = "-----BEGIN PRIVATE KEY-----\nTAINT\n-----END PRIVATE KEY-----\n";
    let stranger = in_files(&folder, "stranger", &Authority::new().identified());
    for (tls, words) in [
        (
            TlsConfig::default().with_ca_file("/no/such.crt"),
            "tls.ca-file /no/such.crt cannot be read: No such file",
        ),
        (TlsConfig::default().with_ca_file(folder.path()), "cannot be read: Is a directory"),
        (
            TlsConfig::default().with_ca_file(file("empty.crt", b"")),
            "empty.crt holds no PEM block CERTIFICATE",
        ),
        (
            TlsConfig::default().with_ca_file(file("ca.der", &[0x30, 0x82, 0xff])),
            "convert it from DER to PEM",
        ),
        (TlsConfig::default().with_ca_file(file("x.crt", b"-----BEGIN CERTIFICATE-----\nTAINT")), "x.crt"),
        (
            TlsConfig { ca_pem: Some("TAINT".to_owned()), ..good.clone() },
            "tls.ca-pem and tls.ca-file are both set",
        ),
        (
            TlsConfig { client_key_file: None, ..good.clone() },
            "neither tls.client-key-file nor tls.client-key-pem",
        ),
        (TlsConfig { client_cert_file: None, ..good.clone() }, "neither tls.client-cert-file nor"),
        (
            TlsConfig { client_key_file: good.client_cert_file.clone(), ..good.clone() },
            "good-tls.crt holds no PEM block PRIVATE KEY",
        ),
        (TlsConfig { client_key_file: Some(file("bad.key", bad_key.as_bytes())), ..good.clone() }, "bad.key"),
        (TlsConfig { client_key_file: stranger.client_key_file, ..good.clone() }, "stranger-tls.key"),
    ] {
        let endpoint = Endpoint::new("https://store:9200").unwrap().with_tls(tls.clone());
        let error = client(&transport(TransportConfig::default()), endpoint).unwrap_err();
        assert_eq!((error.kind(), error.component()), (ErrorKind::Config, Some(&Component::Store)));
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(!format!("{error:?} {}", error.report()).contains("TAINT"), "{error:?}");
        let whole = TransportConfig { tls, ..TransportConfig::default() };
        let error = camunda_backup_core::ReqwestTransport::new(whole).unwrap_err();
        assert!(error.to_string().contains(words), "the transport's own: {error}");
    }
}

#[test]
fn settings_that_would_be_ignored_are_refused() {
    let tls = TlsConfig::default().with_ca_file("/ca.pem");
    let plain = Endpoint::new("http://u:TAINT@store:9200").unwrap().with_tls(tls.clone());
    let error = client(&transport(TransportConfig::default()), plain).unwrap_err();
    assert!(error.report().contains("write https://") && !error.report().contains("TAINT"), "{error}");
    let knows_none: Arc<dyn Transport> = Arc::new(ScriptedTransport::new());
    let error = client(&knows_none, Endpoint::new("https://store").unwrap().with_tls(tls)).unwrap_err();
    assert!(error.to_string().contains("this transport has no TLS settings for single addresses"), "{error}");
}
