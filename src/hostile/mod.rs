//! An agency that does one thing wrong at a time, over a real socket. Whatever it does, an adapter must end in time and
//! say that it has no answer: never "found", never "not found". Where an agency drops files, it is a folder in which one
//! thing is wrong.
//!
//! It serves `heyan adapter check --level faults` and the tests. It knows no manifest: what it is asked is read and thrown away.

mod back_end;
mod betrayals;
mod bodies;
mod certificates;
mod connections;
mod grpc;
mod http;
mod mysql;
mod postgres;
mod script;
mod shelf;

pub use self::back_end::{Hostile, OpenError};
pub use self::certificates::{Papers, PapersError};
pub use self::postgres::Column;
pub use self::shelf::{ShelfError, Table};

use self::certificates::Paper;
use self::script::Step;
use crate::query::record::Unavailable;

/// What it can be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A site that answers in JSON or XML; SOAP is one, too.
    Http,
    /// A database that speaks PostgreSQL's protocol.
    Postgres,
    /// A database that speaks MySQL's protocol.
    Mysql,
    /// A folder into which tables are dropped.
    Folder,
    /// A program that speaks `heyan.adapter.v1`.
    Grpc,
}

/// What has to come of a fault. There is nothing here that means "found" or "not found".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// Nothing usable was heard: timeout, unreachable or refused.
    BeUnavailable,
    /// Something was heard that does not fit: a contract error, or refused where the manifest reads it so.
    BreakContract,
    /// Either, as the manifest reads it.
    NotAnswer,
}

impl Must {
    /// True when this is one of the reasons that may come of it.
    pub fn allows(self, reason: Unavailable) -> bool {
        use Unavailable::{ContractError, Maintenance, Refused, Timeout, Unreachable};
        match self {
            Self::BeUnavailable => matches!(reason, Timeout | Unreachable | Refused),
            Self::BreakContract => matches!(reason, ContractError | Refused),
            Self::NotAnswer => {
                matches!(reason, Timeout | Unreachable | Refused | ContractError | Maintenance)
            }
        }
    }

    /// For people: what was wanted.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::BeUnavailable => "timeout, unreachable or refused",
            Self::BreakContract => "contract_error or refused",
            Self::NotAnswer => "unavailable or contract_error",
        }
    }
}

/// One thing done wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Stable name, such as `half_a_body`.
    pub name: &'static str,
    /// What the agency does.
    pub what: &'static str,
    /// What has to come of it.
    pub must: Must,
    /// It ends only because whoever asks has a deadline.
    pub is_endless: bool,
    act: Act,
}

/// Where in the conversation it goes wrong.
#[derive(Clone, Debug)]
enum Act {
    /// In place of TLS.
    InsteadOfTls(Vec<Step>),
    /// The certificate shown; what follows is a good reply.
    Shows(Paper),
    /// After TLS, in place of the protocol.
    AfterTls(Vec<Step>),
    /// In place of a reply to a request over HTTP.
    Replies(Vec<Step>),
    /// At one point of PostgreSQL's protocol.
    Queries(postgres::Trouble),
    /// At one point of MySQL's protocol.
    Speaks(mysql::Trouble),
    /// In what lies in the folder.
    Drops(shelf::Mess),
    /// In one of the program's replies.
    Calls(grpc::Trouble),
}

/// A reply that nothing is wrong with, to be damaged. It may be any text: a damaged one is never an answer.
#[derive(Clone, Debug)]
pub struct Good {
    /// Over HTTP, with status 200.
    pub body: Vec<u8>,
    /// The one row of a statement.
    pub row: Vec<Column>,
    /// A program's reply to `Fetch`, in protobuf.
    pub message: Vec<u8>,
    /// A table as it would be dropped.
    pub table: Option<Table>,
}

impl Default for Good {
    fn default() -> Self {
        Self {
            body: br#"{"code":"00","message":"","data":{"rows":[]}}"#.to_vec(),
            row: vec![Column::text("x", "1")],
            // `not_found {}`: what a program would say that holds no record.
            message: vec![0x12, 0x00],
            table: None,
        }
    }
}

/// Every fault of that kind.
pub fn faults(kind: Kind, good: &Good) -> Vec<Fault> {
    // A folder has no connection.
    let mut all = if kind == Kind::Folder { shelf::faults(good) } else { connections::faults() };
    match kind {
        Kind::Http => {
            all.extend(http::faults(good));
            all.extend(bodies::faults(good));
        }
        Kind::Postgres => all.extend(postgres::faults(good)),
        Kind::Mysql => all.extend(mysql::faults(good)),
        Kind::Folder => {}
        Kind::Grpc => all.extend(grpc::faults(good)),
    }
    all
}

/// No fault at all, to see that there would have been an answer.
pub fn none(kind: Kind, good: &Good) -> Fault {
    let act = match kind {
        Kind::Http => Act::Replies(vec![Step::Say(http::reply("200 OK", &good.body))]),
        Kind::Postgres => Act::Queries(postgres::Trouble::none(good)),
        Kind::Mysql => Act::Speaks(mysql::Trouble::none(good)),
        Kind::Folder => Act::Drops(shelf::Mess::none(good.table.as_ref())),
        Kind::Grpc => Act::Calls(grpc::Trouble::none(good)),
    };
    Fault { name: "none", what: "nothing wrong", must: Must::NotAnswer, is_endless: false, act }
}

impl Fault {
    /// True when it goes wrong before anything is asked, so that it is the same for every question.
    pub fn is_of_connection(&self) -> bool {
        use Act::{AfterTls, Drops, InsteadOfTls, Shows};
        matches!(self.act, InsteadOfTls(_) | Shows(_) | AfterTls(_) | Drops(_))
    }
}

/// Shorthands for the lists of faults.
impl Fault {
    fn unavailable(name: &'static str, what: &'static str, act: Act) -> Self {
        Self { name, what, must: Must::BeUnavailable, is_endless: false, act }
    }

    fn contract(name: &'static str, what: &'static str, act: Act) -> Self {
        Self { must: Must::BreakContract, ..Self::unavailable(name, what, act) }
    }

    fn either(name: &'static str, what: &'static str, act: Act) -> Self {
        Self { must: Must::NotAnswer, ..Self::unavailable(name, what, act) }
    }

    /// Either, and it may never end.
    fn never(name: &'static str, what: &'static str, act: Act) -> Self {
        Self { is_endless: true, ..Self::either(name, what, act) }
    }

    fn endless(name: &'static str, what: &'static str, act: Act) -> Self {
        Self { is_endless: true, ..Self::unavailable(name, what, act) }
    }
}

#[cfg(test)]
mod tests;
