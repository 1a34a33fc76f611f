//! Certificates and ports that people really have: what is wrong with them is said in words, with the cure.

use camunda_backup_core::transport::{TlsConfig, TransportConfig};
use camunda_backup_core::{Error, ErrorKind, Outcome};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, SigningKey as _,
    date_time_ymd,
};
use tokio::io::AsyncReadExt as _;

use crate::server::Server;
use crate::tls::{Authority, server_that_shows};
use crate::{client, client_over, get, once, transport};

/// What a server shows: a certificate in DER with its key.
struct Shown {
    certificate: Vec<u8>,
    pem: String,
    key: KeyPair,
}

impl Shown {
    fn new(certificate: &rcgen::Certificate, key: KeyPair) -> Self {
        Self { certificate: certificate.der().to_vec(), pem: certificate.pem(), key }
    }

    fn signed_by(authority: &Authority, params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::new(&params.signed_by(&key, authority.issuer()).unwrap(), key)
    }

    fn self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::new(&params.self_signed(&key).unwrap(), key)
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
    params
}

fn changed(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

fn with_ca(pem: Option<String>) -> TransportConfig {
    let only_given_ca = pem.is_some();
    TransportConfig {
        tls: TlsConfig { ca_pem: pem, only_given_ca, ..TlsConfig::default() },
        ..TransportConfig::default()
    }
}

async fn refusal(shown: Shown, ca: Option<String>) -> Error {
    let server = server_that_shows(shown.certificate, &shown.key).await;
    let url = server.url().replace("http://", "https://");
    let error = client_over(transport(with_ca(ca)), &url).send(once().max_retries(0)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Connect, Outcome::NotSent), "{}", error.report());
    assert_eq!(server.seen.requests(), Vec::<String>::new());
    error
}

#[track_caller]
fn says(error: &Error, what: &str, advice: &str) {
    assert!(error.message().contains(what), "{}", error.report());
    assert!(error.advice().is_some_and(|text| text.contains(advice)), "{}", error.report());
}

#[tokio::test]
async fn a_name_that_the_certificate_does_not_have_is_told_with_those_that_it_has() {
    let authority = Authority::new();
    let other = Shown::signed_by(&authority, &params(&["elasticsearch-master", "es.example"]));
    let error = refusal(other, Some(authority.pem())).await;
    says(
        &error,
        "is for elasticsearch-master, es.example, not for 127.0.0.1",
        "write a name into the address",
    );
    let only_common_name = Shown::signed_by(&authority, &params(&[]));
    let error = refusal(only_common_name, Some(authority.pem())).await;
    says(&error, "no subjectAltName at all", "common name (CN) alone");
}

#[tokio::test]
async fn a_certificate_whose_time_is_not_now_is_told_so() {
    let authority = Authority::new();
    let expired = changed(params(&["127.0.0.1"]), |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    });
    let error = refusal(Shown::signed_by(&authority, &expired), Some(authority.pem())).await;
    says(&error, "has expired (", "renew");
    assert!(error.message().contains("days ago"), "{error}");
    let future = changed(params(&["127.0.0.1"]), |params| params.not_before = date_time_ymd(2090, 1, 1));
    let error = refusal(Shown::signed_by(&authority, &future), Some(authority.pem())).await;
    says(&error, "not valid yet", "clock");
}

#[tokio::test]
async fn who_signed_it_decides_what_is_missing() {
    let authority = Authority::new();
    let good = || Shown::signed_by(&authority, &params(&["127.0.0.1"]));
    says(&refusal(good(), None).await, "no CA is configured", "ca-pem");
    says(
        &refusal(good(), Some(Authority::new().pem())).await,
        "none of the configured authorities",
        "its issuer",
    );
    // The server's own certificate, which an authority signed, given as if it were the authority's.
    let leaf = good();
    let pem = leaf.pem.clone();
    says(&refusal(leaf, Some(pem)).await, "none of the configured authorities", "not the server's own");
    // An authority that was made anew under the old name.
    let named = || changed(params(&[]), |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let (old, new) = (Authority::with(named()), Authority::with(named()));
    let error = refusal(Shown::signed_by(&new, &params(&["127.0.0.1"])), Some(old.pem())).await;
    says(&error, "another one of the same name", "made anew");
}

#[tokio::test]
async fn a_self_signed_certificate_serves_only_when_it_is_no_authority() {
    let authority =
        changed(params(&["127.0.0.1"]), |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let shown = Shown::self_signed(&authority);
    let pem = shown.pem.clone();
    says(&refusal(shown, Some(pem)).await, "certificate of an authority (CA:TRUE)", "CA:FALSE");
    let leaf = changed(params(&["127.0.0.1"]), |params| params.is_ca = IsCa::ExplicitNoCa);
    let shown = Shown::self_signed(&leaf);
    let server = server_that_shows(shown.certificate, &shown.key).await;
    let url = server.url().replace("http://", "https://");
    client_over(transport(with_ca(Some(shown.pem))), &url).send(get()).await.unwrap();
}

#[tokio::test]
async fn certificates_that_are_made_for_something_else_are_told_so() {
    let authority = Authority::new();
    let for_clients = changed(params(&["127.0.0.1"]), |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let error = refusal(Shown::signed_by(&authority, &for_clients), Some(authority.pem())).await;
    says(&error, "not made for servers", "serverAuth");
    let no_authority = Authority::with(changed(params(&["127.0.0.1"]), |params| {
        params.is_ca = IsCa::ExplicitNoCa;
    }));
    let version_1 = version_1(Shown::signed_by(&authority, &params(&[])), &authority);
    let error = refusal(version_1, Some(authority.pem())).await;
    says(&error, "X.509 version 1", "subjectAltName");
    // A trust anchor is trusted whatever it says of itself.
    let error = refusal(Shown::signed_by(&no_authority, &params(&["es"])), Some(no_authority.pem())).await;
    says(&error, "is for es, not for 127.0.0.1", "subjectAltName");
}

/// The same certificate without version and extensions, signed again: what `openssl x509 -req` makes without -extfile.
fn version_1(shown: Shown, authority: &Authority) -> Shown {
    let (_, certificate, _) = element(&shown.certificate);
    let (to_be_signed, body, rest) = element(certificate);
    assert!(to_be_signed.len() > body.len());
    let (algorithm, ..) = element(rest);
    let (mut fields, mut left) = (Vec::new(), body);
    while !left.is_empty() {
        let (field, _, rest) = element(left);
        // [0] is the version, [3] holds the extensions.
        if !matches!(field[0], 0xa0 | 0xa3) {
            fields.extend_from_slice(field);
        }
        left = rest;
    }
    let to_be_signed = wrapped(0x30, &fields);
    let signature = authority.issuer().key().sign(&to_be_signed).unwrap();
    let signature = wrapped(0x03, &[&[0], signature.as_slice()].concat());
    let certificate = wrapped(0x30, &[&to_be_signed, algorithm, &signature].concat());
    Shown { certificate, ..shown }
}

/// The first DER element with its head, its contents, and what follows.
fn element(der: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (head, length) = match der[1] {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let bytes = usize::from(long & 0x7f);
            (2 + bytes, der[2..2 + bytes].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    };
    (&der[..head + length], &der[head..head + length], &der[head + length..])
}

fn wrapped(tag: u8, contents: &[u8]) -> Vec<u8> {
    let bytes = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let length = match bytes {
        [0, short @ 0..0x80] => vec![short],
        [0, long] => vec![0x81, long],
        [high, low] => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), contents].concat()
}

#[tokio::test]
async fn http_where_tls_is_spoken_and_the_reverse_name_the_scheme_to_write() {
    let plain = Server::start(|_, mut connection| async move {
        // A TLS greeting is no request; a web server answers in its own language.
        drop(connection.stream.read_u8().await);
        connection.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    let error = client(&plain.url().replace("http://", "https://")).send(get()).await.unwrap_err();
    says(&error, "does not answer in TLS", "write http://");

    let authority = Authority::new();
    let tls = authority.server("127.0.0.1", false).await;
    let error = client(&tls.url()).send(get().max_retries(0)).await.unwrap_err();
    says(&error, "does not speak HTTP", "write https://");

    // Elasticsearch and other servers close without a word.
    let closing = Server::start(|_, mut connection| async move {
        drop(connection.stream.read_u8().await);
    })
    .await;
    let error = client(&closing.url()).send(get().max_retries(0)).await.unwrap_err();
    says(&error, "closed the connection without an answer", "write https://");

    for words in
        ["Client sent an HTTP request to an HTTPS server.\n", "combination of host and port requires TLS"]
    {
        let answer = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{words}", words.len());
        let server = Server::always(answer.leak()).await;
        let error = client(&server.url()).send(get()).await.unwrap_err();
        says(&error, "refused", "write https://");
    }
}

#[tokio::test]
async fn an_address_where_nothing_is_is_told_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).send(get()).await.unwrap_err();
    says(&error, "nothing listens", "management port");
    let error = client("http://no-such-host.invalid:9600").send(get().max_retries(0)).await.unwrap_err();
    says(&error, "cannot be resolved", "host name");
}
