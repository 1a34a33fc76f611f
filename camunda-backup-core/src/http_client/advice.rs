//! What an operator should do next, one sentence or two per kind of error. Clients that know more replace it.

use super::failure::Asked;
use crate::error::{ErrorKind, Outcome};

pub(super) const FOR_PROXY_CREDENTIALS: &str =
    "a proxy in front of the server wants credentials: put a user and a password on the configured proxy";

/// The advice for an error of a request that was sent, or should have been.
pub(super) fn next(kind: ErrorKind, asked: &Asked<'_>, outcome: Outcome) -> String {
    let Asked { component, base, .. } = asked;
    let look_first = match outcome {
        Outcome::Unknown => " It is not known whether the request took effect: look before sending it again.",
        _ => "",
    };
    let first = match kind {
        ErrorKind::Connect => format!(
            "nothing was sent; check that {component} is running and that {base} is its address, reachable from here, \
             with the right scheme (http or https) and a certificate that is trusted"
        ),
        ErrorKind::Timeout => format!("check that {component} at {base} is healthy and not overloaded."),
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
        ErrorKind::Unauthorized if asked.with_credentials => format!(
            "check the credentials that are configured for {component}: they were sent and not accepted"
        ),
        ErrorKind::Unauthorized => format!("configure credentials for {component}: it asks for them"),
        ErrorKind::Forbidden => format!(
            "give the configured user of {component} the permission for this operation; some servers also answer \
             403 for things that do not exist or are switched off"
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
    };
    first + look_first
}
