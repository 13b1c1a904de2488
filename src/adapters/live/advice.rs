//! What to try next when no answer came.

use std::path::Path;

use super::greeting::{Greeted, Trouble};
use super::timed::Step;
use crate::adapters::failed::Failure;
use crate::query::FactCode;
use crate::query::record::Unavailable;

/// One sentence or two. Nothing about anybody is in it.
pub(super) fn next(
    failure: &Failure,
    greeted: &Greeted,
    steps: &[Step],
    (file, fact): (&Path, &FactCode),
) -> String {
    let status = steps.iter().rev().find_map(|step| step.status);
    if matches!(status, Some(401 | 403)) {
        return credentials();
    }
    match failure.reason {
        Unavailable::Unreachable | Unavailable::Timeout => match greeted {
            Greeted::Badly(address, trouble, _) => of_trouble(address, *trouble),
            _ if failure.reason == Unavailable::Timeout => {
                "the agency is there and slow: ask it why, or give it longer (`timeout`, `attempt_timeout`, --deadline)"
                    .to_owned()
            }
            Greeted::Well(_) => {
                "a connection can be had, but the exchange broke off: perhaps the agency wants a certificate of \
                 yours (`certificate` and `key`) or does not know it, or something between cuts the exchange"
                    .to_owned()
            }
            Greeted::Untried(_) => {
                "look whether what the manifest names is there, and whether this machine may reach it".to_owned()
            }
        },
        Unavailable::Refused => credentials(),
        Unavailable::ContractError => format!(
            "the agency answered otherwise than the manifest expects, at the line above: see every step with \
             `heyan adapter try {} --fact {fact}`",
            file.display()
        ),
        Unavailable::Maintenance => {
            "the manifest says that the agency is not there now (`[[maintenance]]`): ask after that".to_owned()
        }
        Unavailable::Overloaded | Unavailable::BreakerOpen => {
            "a limit of the manifest kept the question back (`[resilience]`), after the failures before this one: mend \
             those first"
                .to_owned()
        }
        Unavailable::Deadline => "give it longer with --deadline".to_owned(),
        Unavailable::NoAdapter => "add an operation for the fact to the manifest".to_owned(),
    }
}

fn credentials() -> String {
    "the agency is there and refuses: is each file of `[secrets]` the one that the agency has now, is the account \
     allowed this service, is this machine's clock right (what is signed holds the time), is its address admitted?"
        .to_owned()
}

fn of_trouble(address: &str, trouble: Trouble) -> String {
    match trouble {
        Trouble::NoHost => {
            format!(
                "the name of `{address}` leads nowhere: is it written rightly, does this machine know it?"
            )
        }
        Trouble::NoConnection => format!(
            "nobody answers at `{address}`: does the agency's service run, is the address right, does a firewall stand \
             between?"
        ),
        Trouble::NoTls => format!(
            "what listens at `{address}` breaks off, or speaks no TLS: is the port right, does the agency's service run \
             behind it?"
        ),
        Trouble::WrongName => format!(
            "the certificate at `{address}` is another name's: write that name into the address (or `server_name`), or \
             ask the agency for a certificate of this one"
        ),
        Trouble::Expired => {
            format!("the certificate at `{address}` is not valid today: ask the agency for another")
        }
        Trouble::BadCertificate => {
            format!(
                "the certificate at `{address}` cannot be used, for the reason above: ask the agency for another"
            )
        }
        Trouble::UnknownAuthority => format!(
            "the certificate at `{address}` is not of the authority in `ca`: ask the agency which one it is of, and put \
             that one there"
        ),
    }
}
