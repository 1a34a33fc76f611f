//! What an operator should do next, one sentence or two, by what was seen. Clients that know more replace it.

use super::failure::Asked;
use crate::error::{Error, ErrorKind, Outcome};
use crate::transport::Effect;

pub(super) const FOR_PROXY_CREDENTIALS: &str =
    "a proxy in front of the server wants credentials: put a user and a password on the configured proxy";

/// How servers say that they were spoken to without TLS: nginx, Go, Tomcat.
const WANT_TLS: [&str; 4] = [
    "plain http request was sent to https port",
    "http request to an https server",
    "combination of host and port requires tls",
    "https is required",
];

/// What is known about a request that failed.
pub(super) struct Seen<'a> {
    pub(super) error: &'a Error,
    pub(super) effect: Effect,
    /// An HTML page came back.
    pub(super) is_page: bool,
}

/// What is added when a request may have taken effect.
pub(super) fn look_first(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unknown => " It is not known whether the request took effect: look before sending it again.",
        _ => "",
    }
}

/// The advice for an error of a request that was sent, or should have been.
pub(super) fn next(asked: &Asked<'_>, seen: &Seen<'_>) -> String {
    let outcome = seen.error.outcome();
    let said = seen.error.server_said().unwrap_or_default().to_ascii_lowercase();
    let first = if WANT_TLS.iter().any(|words| said.contains(words)) {
        format!("{} expects TLS: write https:// instead of http:// in its address", asked.base)
    } else {
        match seen.error.kind() {
            ErrorKind::Unauthorized => unauthorized(asked, seen),
            ErrorKind::Forbidden => forbidden(asked, seen),
            kind => by_kind(kind, asked),
        }
    };
    first + look_first(outcome)
}

fn unauthorized(asked: &Asked<'_>, seen: &Seen<'_>) -> String {
    let component = asked.component;
    let first = if asked.with_credentials {
        format!("check the credentials that are configured for {component}: they were sent and not accepted")
    } else {
        format!("configure credentials for {component}: it asks for them, and none are configured")
    };
    first + in_front(seen)
}

fn forbidden(asked: &Asked<'_>, seen: &Seen<'_>) -> String {
    let component = asked.component;
    let first = match (asked.with_credentials, seen.effect) {
        (true, _) => format!(
            "give the configured user of {component} the permission for this operation; some servers also answer 403 \
             for things that do not exist or are switched off"
        ),
        (false, Effect::Read) => format!(
            "no credentials are configured for {component}: configure a user that has the permission for this \
             operation, or ask at an address that nothing protects"
        ),
        (false, _) => format!(
            "no credentials are configured for {component}: where reads work without them, what refuses is no missing \
             permission of a user, but a protection against cross-site requests (CSRF) in the application, or a proxy \
             that lets reads through alone"
        ),
    };
    first + in_front(seen)
}

/// An application's endpoints answer in JSON.
fn in_front(seen: &Seen<'_>) -> &'static str {
    if seen.is_page { "; the HTML page comes from a proxy or login in front of it" } else { "" }
}

fn by_kind(kind: ErrorKind, asked: &Asked<'_>) -> String {
    let Asked { component, base, .. } = asked;
    match kind {
        ErrorKind::Connect => format!(
            "nothing was sent; check that {component} is running and that {base} is its address, reachable from here, \
             with the right scheme (http or https) and a certificate that is trusted"
        ),
        ErrorKind::Timeout => format!(
            "check that {component} at {base} is healthy and not overloaded, and what stands between here and there."
        ),
        ErrorKind::Transport => format!(
            "check whether {component} at {base} was restarted, and what stands between here and there."
        ),
        ErrorKind::BodyTooLarge => format!(
            "check that {base} is the base URL of {component}; if it is, there is more of what was asked for than \
             this library accepts: clean up, or ask for less."
        ),
        ErrorKind::Config => {
            format!("correct the configured address, credentials or TLS settings of {component}")
        }
        ErrorKind::Decode | ErrorKind::WrongComponent => format!(
            "check that {base} is the base URL of {component}, including scheme, port and context path, and not that \
             of another application, a login page or a proxy."
        ),
        ErrorKind::NotFound => format!(
            "check that the thing exists, that {base} includes the context path of {component}, and that its version \
             and configuration offer this endpoint"
        ),
        ErrorKind::Conflict => {
            "something with this name exists already, or something else is running: look at it first"
                .to_owned()
        }
        ErrorKind::Throttled => format!("{component} is overloaded: try again later"),
        ErrorKind::Unavailable => {
            format!("check the health of {component} and of what it needs, then try again.")
        }
        ErrorKind::ServerError => {
            format!("read the log of {component}: it failed while it worked on the request.")
        }
        _ => format!("read what {component} said and correct the request or the configuration"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Component;
    use crate::http_client::redact::Redactor;

    fn advice(kind: ErrorKind, with_credentials: bool, effect: Effect, said: &str) -> String {
        let asked = Asked {
            component: &Component::Operate,
            base: "http://operate:9600",
            with_credentials,
            secrets: Redactor::new([]),
        };
        let error = Error::new(kind, "x").with_outcome(Outcome::Refused).with_server_said(said);
        next(&asked, &Seen { error: &error, effect, is_page: said.contains("page") })
    }

    #[test]
    fn a_refusal_speaks_of_rights_only_when_somebody_was_named() {
        let of = |with_credentials, effect| advice(ErrorKind::Forbidden, with_credentials, effect, "");
        assert!(of(true, Effect::Once).contains("give the configured user of operate the permission"));
        assert!(of(false, Effect::Read).contains("no credentials are configured"));
        let write = of(false, Effect::Once);
        assert!(write.contains("CSRF") && !write.contains("give the configured user"), "{write}");
        assert_eq!(write, of(false, Effect::Idempotent));
        let page = advice(ErrorKind::Forbidden, true, Effect::Read, "an HTML page");
        assert!(page.contains("in front of it"), "{page}");
    }

    #[test]
    fn a_port_that_wants_tls_says_so_in_many_words() {
        for said in [
            "an HTML page titled \"400 The plain HTTP request was sent to HTTPS port\"",
            "Client sent an HTTP request to an HTTPS server.",
            "Bad Request: This combination of host and port requires TLS.",
        ] {
            let advice = advice(ErrorKind::Refused, false, Effect::Read, said);
            assert!(advice.contains("write https://"), "{advice}");
        }
    }
}
