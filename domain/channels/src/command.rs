//! What people type: `/alfred send @alan 50 for the demo`.

use jiff::civil::Date;
use ledger::{AmountError, Millicredits};

use crate::text::{fit, line, verbatim};

/// Longest text that is read.
const MOST_BYTES: usize = 4000;
/// Longest note or reason that is kept.
const MOST_NOTE: usize = 500;

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// To know what they have.
    Balance,
    /// To know what the pool has.
    Pool,
    /// To know what can be typed.
    Help,
    /// To send credits.
    Send {
        /// To whom.
        to: Person,
        /// How many.
        amount: Millicredits,
        /// What they write.
        note: Option<String>,
    },
    /// To ask for credits.
    Request {
        /// How many.
        amount: Millicredits,
        /// Why.
        reason: Option<String>,
    },
    /// To be out of office.
    Away {
        /// Since when; from now on if it is not said.
        from: Option<Date>,
        /// Until when: the last day away.
        until: Date,
    },
    /// To be back.
    Back,
}

/// Somebody, as they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// The provider's id of their account.
    Account(String),
    /// Their e-mail address.
    Email(String),
    /// Their name in the chat, without `@`.
    Name(String),
}

/// Why a command is not understood. The text is for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such command.
    #[error("I don't know `{0}`. You can say balance, send, request, ooo, pool or help.")]
    Unknown(String),
    /// A part of it is missing.
    #[error("Something is missing. Say it like this: {0}")]
    Incomplete(&'static str),
    /// There is more than is needed, and it may matter.
    #[error("I don't understand `{0}`. Say it like this: {1}")]
    Surplus(String, &'static str),
    /// Nobody can be called so.
    #[error("`{0}` is nobody: name them like @alan or alan@acme.example.")]
    Person(String),
    /// It is no amount.
    #[error("{0}")]
    Amount(#[from] AmountError),
    /// Nothing, or less.
    #[error("The amount must be more than zero.")]
    NotPositive,
    /// It is no date.
    #[error("`{0}` is not a date: write it like 2026-12-24.")]
    Date(String),
    /// It ends before it begins.
    #[error("{until} is before {from}: write the first day away, then the last.")]
    Backwards {
        /// The first day.
        from: Date,
        /// The last day.
        until: Date,
    },
    /// Nobody types so much.
    #[error("That is too long: 4000 characters are the most.")]
    TooLong,
}

const SEND: &str = "send @alan 50 for the demo";
const REQUEST: &str = "request 100 for the demo";
const OOO: &str = "ooo 2026-12-24 2027-01-06, ooo until 2027-01-06, or ooo off";

impl Command {
    /// Reads what stands behind `/alfred`. `person` reads a word as somebody,
    /// as that channel writes them.
    pub(crate) fn parse(text: &str, person: fn(&str) -> Option<Person>) -> Result<Self, CommandError> {
        if text.len() > MOST_BYTES {
            return Err(CommandError::TooLong);
        }
        let (verb, rest) = word(text);
        match verb.to_lowercase().as_str() {
            "" | "help" => Ok(Self::Help),
            "balance" => alone(Self::Balance, rest, "balance"),
            "pool" => alone(Self::Pool, rest, "pool"),
            "send" => {
                let (to, rest) = needed(rest, SEND)?;
                let to = person(to).ok_or_else(|| CommandError::Person(shown(to)))?;
                let (amount, note) = amount(rest, SEND)?;
                Ok(Self::Send { to, amount, note })
            }
            "request" => {
                let (amount, reason) = amount(rest, REQUEST)?;
                Ok(Self::Request { amount, reason })
            }
            "ooo" => absence(rest),
            _ => Err(CommandError::Unknown(shown(verb))),
        }
    }

    /// Reads what somebody wrote to a bot, with or without a slash before it
    /// and a bot's name behind the first word (`/balance@alfred_bot`).
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn of_text(text: &str) -> Result<Self, CommandError> {
        let text = text.trim_start();
        let Some(command) = text.strip_prefix('/') else { return Self::parse(text, Person::of_word) };
        let (verb, rest) = word(command);
        let verb = verb.split_once('@').map_or(verb, |(verb, _)| verb);
        if verb.eq_ignore_ascii_case("alfred") {
            return Self::parse(rest, Person::of_word);
        }
        Self::parse(&format!("{verb} {rest}"), Person::of_word)
    }
}

impl Person {
    /// `@alan` or an address.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        if let Some(name) = word.strip_prefix('@') {
            return (!name.is_empty() && !name.contains('@')).then(|| Self::Name(name.to_owned()));
        }
        let (user, domain) = word.split_once('@')?;
        let address = !user.is_empty() && domain.contains('.') && !domain.contains('@');
        address.then(|| Self::Email(word.to_owned()))
    }
}

/// The first word and what stands behind it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn needed<'a>(text: &'a str, usage: &'static str) -> Result<(&'a str, &'a str), CommandError> {
    Some(word(text)).filter(|(word, _)| !word.is_empty()).ok_or(CommandError::Incomplete(usage))
}

fn alone(command: Command, rest: &str, usage: &'static str) -> Result<Command, CommandError> {
    if rest.is_empty() { Ok(command) } else { Err(CommandError::Surplus(shown(rest), usage)) }
}

/// An amount, and what is said about it.
fn amount(text: &str, usage: &'static str) -> Result<(Millicredits, Option<String>), CommandError> {
    let (amount, rest) = needed(text, usage)?;
    // Of a long text the error shows as much as of any other.
    let amount: Millicredits = shown(amount).parse()?;
    if amount.is_zero() || amount.is_negative() {
        return Err(CommandError::NotPositive);
    }
    let note = Some(rest).filter(|rest| !rest.is_empty());
    Ok((amount, note.map(|note| fit(&line(note), MOST_NOTE, verbatim))))
}

/// `2026-12-24–2027-01-06`, with any dash, word or nothing between the dates.
fn absence(text: &str) -> Result<Command, CommandError> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(Command::Back);
    }
    let spaced = text.replace(['–', '—', '…'], " ").replace("..", " ");
    let filler = |word: &&str| !["-", "from", "to", "until", "till"].contains(&word.to_lowercase().as_str());
    let dates: Vec<&str> = spaced.split_whitespace().filter(filler).collect();
    match dates[..] {
        [] => Err(CommandError::Incomplete(OOO)),
        [until] => Ok(Command::Away { from: None, until: date(until)? }),
        [from, until] => {
            let (from, until) = (date(from)?, date(until)?);
            if until < from {
                return Err(CommandError::Backwards { from, until });
            }
            Ok(Command::Away { from: Some(from), until })
        }
        [_, _, surplus, ..] => Err(CommandError::Surplus(shown(surplus), OOO)),
    }
}

fn date(text: &str) -> Result<Date, CommandError> {
    // Times and zones would be taken too, and left out.
    let plain = text.len() == "2026-12-24".len();
    text.parse().ok().filter(|_| plain).ok_or_else(|| CommandError::Date(shown(text)))
}

/// A word of theirs, in an error.
pub(crate) fn shown(text: &str) -> String {
    fit(&line(text), 80, verbatim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Command, CommandError> {
        Command::parse(text, Person::of_word)
    }

    fn credits(text: &str) -> Millicredits {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn understands_what_people_type() {
        let alan = || Person::Name("alan".into());
        let send = |amount, note: Option<&str>| Command::Send {
            to: alan(),
            amount: credits(amount),
            note: note.map(str::to_owned),
        };
        let away = |from: Option<&str>, until| Command::Away { from: from.map(day), until: day(until) };
        for (text, expected) in [
            ("", Command::Help),
            ("  HELP ", Command::Help),
            ("help me", Command::Help),
            ("balance", Command::Balance),
            ("Pool", Command::Pool),
            ("send @alan 50", send("50", None)),
            (" send\t@alan  12.5   for the  demo \n", send("12.5", Some("for the demo"))),
            ("request 100", Command::Request { amount: credits("100"), reason: None }),
            ("request 0.001 a *b*", Command::Request { amount: credits("0.001"), reason: Some("a *b*".into()) }),
            ("ooo off", Command::Back),
            ("ooo 2026-12-24–2027-01-06", away(Some("2026-12-24"), "2027-01-06")),
            ("ooo 2026-12-24 - 2027-01-06", away(Some("2026-12-24"), "2027-01-06")),
            ("ooo from 2026-12-24 to 2027-01-06", away(Some("2026-12-24"), "2027-01-06")),
            ("ooo 2026-12-24..2026-12-24", away(Some("2026-12-24"), "2026-12-24")),
            ("ooo until 2027-01-06", away(None, "2027-01-06")),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        let Ok(Command::Send { to, .. }) = parse("send ada@acme.example 1") else { panic!("not sent") };
        assert_eq!(to, Person::Email("ada@acme.example".into()));
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, expected) in [
            ("gift @alan 5", "I don't know `gift`. You can say balance, send, request, ooo, pool or help."),
            ("balance of @alan", "I don't understand `of @alan`. Say it like this: balance"),
            ("send", "Something is missing. Say it like this: send @alan 50 for the demo"),
            ("send @alan", "Something is missing. Say it like this: send @alan 50 for the demo"),
            ("send 50 @alan", "`50` is nobody: name them like @alan or alan@acme.example."),
            ("send @ 50", "`@` is nobody: name them like @alan or alan@acme.example."),
            ("send a@b 50", "`a@b` is nobody: name them like @alan or alan@acme.example."),
            ("send @alan -5", "The amount must be more than zero."),
            ("send @alan 0.000", "The amount must be more than zero."),
            ("request", "Something is missing. Say it like this: request 100 for the demo"),
            ("ooo 2026-12-24 2026-12-23", "2026-12-23 is before 2026-12-24: write the first day away, then the last."),
            ("ooo friday", "`friday` is not a date: write it like 2026-12-24."),
            ("ooo 2026-02-30", "`2026-02-30` is not a date: write it like 2026-12-24."),
            ("ooo 2026-12-24T10:00", "`2026-12-24T10:00` is not a date: write it like 2026-12-24."),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
        }
        assert!(matches!(parse("request a lot"), Err(CommandError::Amount(AmountError::NotANumber(_)))));
        assert!(matches!(parse("request 1.0001"), Err(CommandError::Amount(AmountError::TooFine(_)))));
        assert!(matches!(parse("ooo"), Err(CommandError::Incomplete(_))));
        assert!(matches!(parse("ooo 2026-12-24 2026-12-25 2026-12-26"), Err(CommandError::Surplus(..))));
        assert_eq!(parse(&"x".repeat(5000)), Err(CommandError::TooLong));
        let long = parse(&format!("request {}", "x".repeat(3000))).unwrap_err().to_string();
        assert!(long.len() < 300, "{long}");
    }

    #[test]
    fn a_slash_and_the_bot_s_name_are_no_words() {
        for text in ["/balance", "/balance@alfred_bot", "/alfred balance", "balance", "/ALFRED@bot balance"] {
            assert_eq!(Command::of_text(text), Ok(Command::Balance), "{text}");
        }
        assert_eq!(Command::of_text("/alfred"), Ok(Command::Help));
        assert_eq!(Command::of_text("/"), Ok(Command::Help));
    }

    proptest! {
        #[test]
        fn never_panics(text: String, rest: String) {
            for text in [text.as_str(), &format!("send {text} {rest}"), &format!("ooo {text}"), &format!("/{text}")] {
                let _ = Command::of_text(text).map_err(|error| error.to_string());
            }
        }

        #[test]
        fn sends_only_what_was_typed(millicredits in 1..i64::MAX, note in "[a-z ]{0,30}") {
            let amount = Millicredits::new(millicredits);
            let Ok(Command::Send { amount: read, .. }) = parse(&format!("send @a {amount} {note}")) else {
                return Err(TestCaseError::fail("not understood"));
            };
            prop_assert_eq!(read, amount);
        }
    }
}
