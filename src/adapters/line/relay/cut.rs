//! Why the relay hung up, and how it tells the driver: as an error of the database, with a code that none has.

use crate::adapters::failed::Failed;
use crate::adapters::manifest::Dialect;
use crate::query::record::Unavailable;

/// Why the relay hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::line) enum Cut {
    /// No connection.
    Away,
    /// No TLS.
    Plain,
    /// A certificate that is not to be trusted.
    Stranger,
    /// Nothing in time.
    Slow,
    /// One message too long.
    Long,
    /// Too many bytes in one turn.
    Much,
    /// Too many messages in one turn.
    Many,
    /// Not the protocol.
    Broken,
}

/// SQLSTATE classes from I to Z are nobody's but the one's who uses them.
const CODES: [(&str, Cut); 8] = [
    ("ZR001", Cut::Away),
    ("ZR002", Cut::Plain),
    ("ZR003", Cut::Stranger),
    ("ZR004", Cut::Slow),
    ("ZR005", Cut::Long),
    ("ZR006", Cut::Much),
    ("ZR007", Cut::Many),
    ("ZR008", Cut::Broken),
];

/// MySQL's number of every error of the relay: "unknown error", which the driver looks at no further.
const NUMBER: u16 = 1_105;

impl Cut {
    /// The cut of that SQLSTATE.
    pub(in crate::adapters::line) fn of(code: &str) -> Option<Self> {
        CODES.iter().find(|(known, _)| *known == code).map(|(_, cut)| *cut)
    }

    /// For the operator: what happened.
    fn detail(self) -> &'static str {
        match self {
            Self::Away => "the database cannot be reached",
            Self::Plain => "the database does not speak TLS 1.2 or 1.3",
            Self::Stranger => {
                "the database's certificate is wrong: not of `ca`, not for `host`, or expired"
            }
            Self::Slow => "the database did not answer in time",
            Self::Long => "the database announced a message of 16 MiB or more",
            Self::Much => "the database sent more than 32 MiB",
            Self::Many => "the database sent more messages than rows and a thousand notices need",
            Self::Broken => "the database does not keep to its protocol",
        }
    }

    /// What became of a question under way.
    pub(in crate::adapters::line) fn failed(self) -> Failed {
        match self {
            Self::Long | Self::Much | Self::Many | Self::Broken => Failed::contract(self.detail()),
            Self::Slow => Failed::unanswered(Unavailable::Timeout, self.detail()),
            Self::Away | Self::Plain | Self::Stranger => self.unreached(),
        }
    }

    /// What became of a question that there was no connection for.
    pub(in crate::adapters::line) fn unreached(self) -> Failed {
        Failed::unanswered(Unavailable::Unreachable, self.detail())
    }

    /// The error as the driver hears it.
    pub(super) fn said(self, dialect: Dialect) -> Vec<u8> {
        let code = CODES.iter().find(|(_, cut)| *cut == self).map_or("ZR000", |(code, _)| code);
        match dialect {
            Dialect::PostgreSql => {
                let body = format!("SFATAL\0VFATAL\0C{code}\0M{}\0\0", self.detail());
                let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
                [b"E", &length.to_be_bytes()[..], body.as_bytes()].concat()
            }
            Dialect::MySql => {
                let body = format!("#{code}{}", self.detail());
                let [low, middle, ..] = (body.len() + 3).to_le_bytes();
                let [first, second] = NUMBER.to_le_bytes();
                [&[low, middle, 0, 1, 0xff, first, second], body.as_bytes()].concat()
            }
        }
    }
}
