//! From the words of the HTTP and TLS libraries to what is wrong and what to do about it.
//!
//! The libraries' error types are not public through each other, so their words are what there is. `tests/wire` makes
//! every handshake that is named here fail for real; words that are not known change nothing.

use super::Reason;

/// What was configured for the request that failed.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Setup {
    /// The address begins with `https`.
    pub(super) https: bool,
    /// A CA is configured.
    pub(super) with_ca: bool,
    /// The system's authorities are trusted, too.
    pub(super) with_system_ca: bool,
    /// We have a certificate to show.
    pub(super) with_client_certificate: bool,
}

/// What the words mean, where they are known.
pub(super) fn of(words: &str, setup: Setup) -> Option<Reason> {
    let (what, advice) = certificate(words, setup)
        .or_else(|| alert(words, setup))
        .or_else(|| scheme(words, setup))
        .or_else(|| network(words))?;
    Some(Reason { what, advice })
}

type Understood = Option<(String, String)>;

#[allow(clippy::unnecessary_wraps)] // it ends the branches of functions that know words or do not
fn understood(what: &str, advice: &str) -> Understood {
    Some((what.to_owned(), advice.to_owned()))
}

/// The server's certificate is there, and is refused by us.
fn certificate(words: &str, setup: Setup) -> Understood {
    let (_, why) = words.split_once("invalid peer certificate: ")?;
    if why.contains("CaUsedAsEndEntity") {
        understood(
            "the server shows the certificate of an authority (CA:TRUE) as its own, which is refused even when it is \
             trusted",
            "make a certificate for the server with basicConstraints CA:FALSE and its host name as subjectAltName \
             (`openssl req -x509` makes CA:TRUE unless told otherwise with -addext), self-signed or signed by your \
             authority; tls.ca-file (or tls.ca-pem) then holds it, or the authority's",
        )
    } else if why.contains("UnsupportedCertVersion") {
        understood(
            "the server's certificate is of X.509 version 1, which has no host names and is not accepted",
            "make one of version 3 with a subjectAltName: `openssl x509 -req` needs an -extfile for it, and makes version \
             1 without",
        )
    } else if let Some(names) = why.strip_prefix("certificate not valid for name ") {
        Some(wrong_name(names))
    } else if why.contains("xpired") {
        understood(
            &format!("the server's certificate has expired{}", moment(why)),
            "renew the server's certificate; if it is valid, correct the clock of this machine",
        )
    } else if why.contains("not valid yet") || why.contains("NotValidYet") {
        understood(
            &format!("the server's certificate is not valid yet{}", moment(why)),
            "correct the clock of this machine, or of the one that made the certificate",
        )
    } else if why.contains("UnknownIssuer") {
        Some(unknown_issuer(setup))
    } else if why.contains("BadSignature") {
        understood(
            "the server's certificate was not signed by the configured authority, but by another one of the same name",
            "put the certificate of the authority that signed the server's into tls.ca-file (or tls.ca-pem): after an authority was made anew, \
             the old one no longer fits",
        )
    } else if why.contains("EndEntityUsedAsCa") {
        understood(
            "a certificate that is no authority (CA:FALSE) has signed the server's",
            "sign the server's certificate with one that has basicConstraints CA:TRUE, and put that one into tls.ca-file (or tls.ca-pem)",
        )
    } else if why.contains("extended key usage") || why.contains("InvalidPurpose") {
        understood(
            "the server's certificate is not made for servers",
            "make one whose extendedKeyUsage has serverAuth, or that has none",
        )
    } else if why.contains("Revoked") {
        understood("the server's certificate is revoked", "make a new certificate for the server")
    } else {
        understood(
            &format!("the server's certificate is not accepted ({why})"),
            "look at it with `openssl s_client -showcerts`, and make one of X.509 version 3 with a subjectAltName",
        )
    }
}

fn wrong_name(names: &str) -> (String, String) {
    let (asked, has) = names.split_once(';').unwrap_or((names, ""));
    let asked = asked.trim().trim_matches('"');
    if has.contains("not valid for any names") {
        return (
            format!("the server's certificate holds no subjectAltName at all, so it is not for {asked}"),
            format!(
                "make a certificate with subjectAltName {asked}: a common name (CN) alone has not counted for years"
            ),
        );
    }
    let has: Vec<&str> = has.split('"').skip(1).step_by(2).collect();
    let valid_for = if has.is_empty() { "other names".to_owned() } else { has.join(", ") };
    (
        format!("the server's certificate is for {valid_for}, not for {asked}"),
        format!(
            "write a name into the address that the certificate has, or make one that has {asked} as subjectAltName too"
        ),
    )
}

fn unknown_issuer(setup: Setup) -> (String, String) {
    let (what, advice) = if setup.with_ca {
        (
            "none of the configured authorities has signed the server's certificate",
            "tls.ca-file (or tls.ca-pem) must hold the certificate of the authority that signed the server's (its issuer), not the server's \
             own; where an intermediate authority signed it, the server must send that one, or the file hold it",
        )
    } else if setup.with_system_ca {
        (
            "the server's certificate is signed by an authority that this system does not know, and no CA is configured",
            "put the certificate of the authority that signed it (for Elasticsearch's own: http_ca.crt) into tls.ca-file (or tls.ca-pem)",
        )
    } else {
        (
            "only configured authorities are trusted, and none is configured",
            "put the certificate of the authority that signed the server's into tls.ca-file (or tls.ca-pem)",
        )
    };
    (what.to_owned(), advice.to_owned())
}

/// The seconds in `certificate is not valid after 1580515200 (215325477 seconds ago)`, as days.
fn moment(why: &str) -> String {
    let seconds = why.rsplit_once('(').and_then(|(_, rest)| rest.split_once(" seconds"));
    let seconds = seconds.and_then(|(seconds, tail)| Some((seconds.parse::<u64>().ok()?, tail)));
    match seconds {
        Some((seconds, tail)) if tail.starts_with(" ago") => format!(" ({} days ago)", seconds / 86_400),
        Some((seconds, _)) => format!(" (for another {seconds} s)"),
        None => String::new(),
    }
}

/// The server has refused us in the handshake, or speaks another TLS.
fn alert(words: &str, setup: Setup) -> Understood {
    let alert = words.split_once("received fatal alert: ").map_or("", |(_, alert)| alert);
    let says = |names: &[&str]| names.iter().any(|name| alert.starts_with(name));
    if says(&["CertificateRequired"]) || (says(&["BadCertificate"]) && !setup.with_client_certificate) {
        understood(
            "the server wants a client certificate, and none is configured",
            "configure client-cert-pem and client-key-pem",
        )
    } else if says(&["UnknownCA", "BadCertificate", "CertificateUnknown", "DecryptError", "AccessDenied"]) {
        understood(
            "the server does not accept our client certificate: it does not trust the authority that signed it",
            "configure a client certificate that is signed by an authority that the server trusts",
        )
    } else if says(&["CertificateExpired", "CertificateRevoked"]) {
        understood("our client certificate has expired or is revoked", "renew the client certificate")
    } else if says(&["ProtocolVersion", "HandshakeFailure", "InsufficientSecurity"])
        || words.contains("peer is incompatible")
    {
        understood(
            "the server and we have no TLS version or cipher in common",
            "let the server speak TLS 1.2 or 1.3 with a modern cipher",
        )
    } else if says(&["UnrecognisedName", "UnrecognizedName"]) {
        understood(
            "the server does not know the host name of the address",
            "write the name into the address under which the server is known",
        )
    } else {
        None
    }
}

/// The one side speaks TLS, the other does not.
fn scheme(words: &str, setup: Setup) -> Understood {
    const NO_TLS: [&str; 3] = ["InvalidContentType", "tls handshake eof", "received corrupt message"];
    const NO_HTTP: [&str; 5] = [
        "invalid HTTP version",
        "invalid HTTP header",
        "invalid HTTP status-code",
        "HTTP/0.9",
        "message head is too large",
    ];
    const CLOSED: [&str; 2] = ["reset by peer", "closed before message"];
    let says = |names: &[&str]| names.iter().any(|name| words.contains(name));
    if setup.https && says(&NO_TLS) {
        understood(
            "the port does not answer in TLS, though the address says https",
            "write http:// instead of https:// in the address if the server has no TLS on this port; else correct the port",
        )
    } else if !setup.https && says(&NO_HTTP) {
        understood(
            "what answers there does not speak HTTP",
            "write https:// instead of http:// in the address if the server has TLS on this port; else correct the port",
        )
    } else if !setup.https && !words.contains("tcp connect error") && says(&CLOSED) {
        understood(
            "the server closed the connection without an answer",
            "if the server has TLS on this port, write https:// instead of http:// in the address: many servers close \
             without a word when they are spoken to in plain HTTP. Else look whether it was restarted, and what stands \
             between here and there.",
        )
    } else {
        None
    }
}

fn network(words: &str) -> Understood {
    let lower = words.to_ascii_lowercase();
    let says = |names: &[&str]| names.iter().any(|name| lower.contains(name));
    if says(&["failed to lookup address", "dns error", "name or service not known", "nodename nor servname"])
    {
        understood(
            "the host name of the address cannot be resolved",
            "correct the host name, or look at the name resolution here; across Kubernetes namespaces a service is \
             `service.namespace.svc`",
        )
    } else if says(&["connection refused"]) {
        understood(
            "connection refused: nothing listens at that host and port",
            "check that the server is running and that host and port of the address are right: the management port is \
             another one than the application's",
        )
    } else if says(&["no route to host", "network is unreachable", "host is unreachable"]) {
        understood(
            "the host cannot be reached from here",
            "check network, routes and firewalls between here and the host",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTPS: Setup =
        Setup { https: true, with_ca: true, with_system_ca: true, with_client_certificate: false };

    #[test]
    fn the_moment_of_a_certificate_is_told_in_days() {
        let expired = "certificate expired: verification time 1795840677 (UNIX), but certificate is not valid after \
                       1580515200 (215325477 seconds ago)";
        assert_eq!(moment(expired), " (2492 days ago)");
        assert_eq!(moment("certificate not valid before 5 (30 seconds in future)"), " (for another 30 s)");
        assert_eq!(moment("Expired"), "");
    }

    #[test]
    fn who_is_trusted_decides_what_an_unknown_issuer_needs() {
        let with = |with_ca, with_system_ca| Setup { with_ca, with_system_ca, ..HTTPS };
        let what = |setup| of("invalid peer certificate: UnknownIssuer", setup).unwrap().what;
        assert!(what(with(true, true)).contains("none of the configured authorities"));
        assert!(what(with(false, true)).contains("no CA is configured"));
        assert!(what(with(false, false)).contains("none is configured"));
    }

    #[test]
    fn an_alert_about_a_certificate_depends_on_whether_we_have_one() {
        let ours = Setup { with_client_certificate: true, ..HTTPS };
        let alert = "received fatal alert: BadCertificate";
        assert!(of(alert, HTTPS).unwrap().what.contains("none is configured"));
        assert!(of(alert, ours).unwrap().what.contains("does not accept"));
        assert!(of("received fatal alert: ProtocolVersion", HTTPS).unwrap().what.contains("TLS version"));
    }

    #[test]
    fn words_of_the_other_scheme_and_unknown_words_say_nothing() {
        let http = Setup { https: false, ..HTTPS };
        assert_eq!(of("received corrupt message of type InvalidContentType", http), None);
        assert_eq!(of("invalid HTTP version parsed", HTTPS), None);
        assert_eq!(of("something else", HTTPS), None);
        let odd = of("invalid peer certificate: SomethingNew", HTTPS).unwrap();
        assert!(odd.what.contains("SomethingNew"), "{odd:?}");
    }

    #[test]
    fn the_network_is_spoken_of_in_plain_words() {
        for (words, what) in [
            ("dns error: failed to lookup address information: Name or service not known", "resolved"),
            ("tcp connect error: Connection refused (os error 111)", "nothing listens"),
            ("tcp connect error: No route to host (os error 113)", "cannot be reached"),
        ] {
            assert!(of(words, HTTPS).unwrap().what.contains(what), "{words}");
        }
    }
}
