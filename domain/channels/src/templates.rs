//! The words, all in one place.
//!
//! A title says what happened and how much, since many read only that. Then
//! what the reader can do about it. No exclamation marks, no "please note".

use crate::event::{Answer, Answers, Asked, Event, Wanted};
use crate::message::{Action, Fact, Link, Message, Style, Tone};
use crate::token::Verdict;

impl Event {
    /// What the reader is told.
    #[must_use]
    pub fn message(&self) -> Message {
        let mut message = match self {
            Self::ApprovalRequested(asked) => approval(asked, asks(asked)),
            Self::ApprovalReminder(asked) => approval(asked, format!("Still waiting: {}", asks(asked))),
            Self::ApprovalDecided { id, wanted, amount, verdict, by, reason, url } => {
                let (done, tone) = match verdict {
                    Verdict::Approve => ("approved", Tone::Success),
                    Verdict::Deny => ("denied", Tone::Warning),
                };
                let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                let title = format!("Your request {} was {done}{by}", to(wanted, amount));
                let effect = match (verdict, wanted) {
                    (Verdict::Deny, _) => "Nothing has moved.".to_owned(),
                    (Verdict::Approve, Wanted::Transfer { to }) => format!("{to} has the credits now."),
                    (Verdict::Approve, _) => "You can use it right away.".to_owned(),
                };
                let reason = reason.iter().map(|reason| fact("Reason", reason));
                told(id, title, effect).facts(reason).link("Open the request", url).tone(tone)
            }
            Self::ApprovalExpired { id, wanted, amount, url } => {
                let title = format!("Your request {} has expired", to(wanted, amount));
                told(id, title, "Nobody decided it in time, and nothing has moved. You can ask again.")
                    .link("Ask again", url)
                    .tone(Tone::Warning)
            }
            Self::TransferReceived { id, from, amount, note, balance, url } => {
                let facts = note.iter().map(|note| fact("Note", note)).chain([fact("Your balance", balance)]);
                told(id, format!("{from} sent you {amount}"), "").facts(facts).link("Open your wallet", url).good()
            }
            Self::TransferUndone { id, from, amount, balance, url } => {
                let text = format!("{from} undid the transfer. What you had already spent stays spent.");
                told(id, format!("{from} took back {amount}"), text)
                    .facts([fact("Your balance", balance)])
                    .link("Open your wallet", url)
            }
            Self::CreditsLow { id, left, refills, url } => {
                let text = refills.as_ref().map(|when| format!("More comes by itself on {when}."));
                told(id, format!("You have {left} left"), text.unwrap_or_default())
                    .link("Ask for more", url)
                    .tone(Tone::Warning)
            }
            Self::CreditsExpiring { id, amount, when, url } => {
                let text = "Use them, send them to somebody who can, or put them into your team's pool.";
                told(id, format!("{amount} of yours will expire on {when}"), text)
                    .link("Share them", url)
                    .tone(Tone::Warning)
            }
            Self::PoolLow { id, pool, left, url } => {
                let text = "When it is empty, calls are paid only from people's own wallets.";
                told(id, format!("The pool of {pool} has {left} left"), text)
                    .link("Open the pool", url)
                    .tone(Tone::Warning)
            }
            Self::BoostStarted { id, amount, until, reason, url } => {
                let reason = reason.iter().map(|reason| fact("Reason", reason));
                told(id, format!("You have a boost of {amount} until {until}"), "What you don't use by then goes back.")
                    .facts(reason)
                    .link("Open your wallet", url)
                    .good()
            }
            Self::BoostEnding { id, left, until, url } => {
                let text = format!("{left} of it are left. What you don't use goes back.");
                told(id, format!("Your boost ends on {until}"), text).link("Open your wallet", url)
            }
            Self::BoostEnded { id, used, returned, url } => told(id, "Your boost has ended".to_owned(), "")
                .facts([fact("Used", used), fact("Went back", returned)])
                .link("Open your wallet", url),
            Self::AbsenceBegan { id, lent, to, until, url } => {
                let until = until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
                let text = format!("{to} can use {lent} of yours meanwhile. What nobody has used comes back to you.");
                told(id, format!("You are out of office{until}"), text).link("I'm not away", url)
            }
            Self::AbsenceEnded { id, returned, balance, url } => {
                told(id, format!("Welcome back: {returned} are in your wallet again"), "")
                    .facts([fact("Your balance", balance)])
                    .link("Open your wallet", url)
                    .good()
            }
            Self::AllotmentArrived { id, amount, to, period, balance, url } => {
                let period = period.iter().map(|period| fact("For", period));
                told(id, format!("{amount} arrived in {to}"), "")
                    .facts(period.chain([fact("Balance", balance)]))
                    .link("Open Alfred", url)
                    .good()
            }
            Self::PolicyNotice { id, title, text, url } => told(id, title.clone(), text).link("See what happened", url),
            Self::ChannelTest { id, channel } => {
                let text =
                    "Somebody who looks after Alfred tries whether messages arrive. There is nothing to be done.";
                told(id, format!("Test of the channel {channel}"), text)
            }
            Self::Digest { id, period, items, url } => {
                let text = if items.is_empty() { "Nothing happened." } else { "" };
                told(id, format!("Your credits {period}"), text).facts(items.iter().cloned()).link("Open Alfred", url)
            }
        };
        message.id = format!("{}:{}", self.kind(), message.id);
        message
    }
}

/// "Ada asks for 500 credits".
fn asks(Asked { requester, wanted, amount, .. }: &Asked) -> String {
    match wanted {
        Wanted::Transfer { to } => format!("{requester} wants to send {amount} to {to}"),
        Wanted::Credits => format!("{requester} asks for {amount}"),
        Wanted::Boost { until } => format!("{requester} asks for a boost of {amount} until {until}"),
        Wanted::Draw { pool } => format!("{requester} asks to draw {amount} from the pool of {pool}"),
    }
}

/// "Your request …".
fn to(wanted: &Wanted, amount: &str) -> String {
    match wanted {
        Wanted::Transfer { to } => format!("to send {amount} to {to}"),
        Wanted::Credits => format!("for {amount}"),
        Wanted::Boost { until } => format!("for a boost of {amount} until {until}"),
        Wanted::Draw { pool } => format!("to draw {amount} from the pool of {pool}"),
    }
}

fn approval(asked: &Asked, title: String) -> Message {
    let reason = asked.reason.iter().map(|reason| fact("Reason", reason));
    let expires = asked.expires.iter().map(|expires| fact("Decide by", expires));
    let facts = reason.chain(asked.facts.iter().cloned()).chain([fact("Asked", &asked.since)]).chain(expires);
    let actions = asked.answers.as_ref().map(buttons).unwrap_or_default();
    Message { actions, ..told(&asked.id, title, "").facts(facts).link("Open the request", &asked.url) }
}

fn buttons(Answers { approve, deny }: &Answers) -> Vec<Action> {
    let button = |label: &str, style, answer: &Answer, reason_asked| Action {
        label: label.to_owned(),
        style,
        value: answer.value.clone(),
        url: answer.url.clone(),
        reason_asked,
    };
    // Who is refused wants to know why; who is not doesn't ask.
    vec![button("Approve", Style::Primary, approve, false), button("Deny", Style::Danger, deny, true)]
}

fn told(id: &str, title: String, text: impl Into<String>) -> Message {
    let text = Some(text.into()).filter(|text| !text.is_empty());
    Message {
        id: id.to_owned(),
        title,
        text: text.into_iter().collect(),
        facts: vec![],
        actions: vec![],
        link: None,
        tone: Tone::Info,
    }
}

fn fact(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned() }
}

impl Message {
    fn facts(self, facts: impl IntoIterator<Item = Fact>) -> Self {
        Self { facts: facts.into_iter().collect(), ..self }
    }

    fn link(self, label: &str, url: &str) -> Self {
        Self { link: Some(Link { label: label.to_owned(), url: url.to_owned() }), ..self }
    }

    fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn good(self) -> Self {
        self.tone(Tone::Success)
    }
}
