//! What is sent and answered about absences.

use ::team::protocol::{AbsenceView, Lends, Share, Terms};
use identity::{AbsenceId, CalendarId, MemberId};
use ledger::Millicredits;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;
use crate::text::{Note, given};
use crate::time::Time;

/// A percentage, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Percent(u8);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = u8::deserialize(deserializer).ok().filter(|percent| (1..=100).contains(percent));
        percent.map(Self).ok_or_else(|| serde::de::Error::custom("`percent` is a whole number, 1 to 100"))
    }
}

/// How much of the credits that are idle in the wallet others may use meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = AbsenceShare)]
pub(crate) enum ShareBody {
    /// All.
    // With braces, so that fields beside it are refused here too.
    All {},
    /// So many hundredths, rounded down.
    Percent {
        #[schema(value_type = u8, minimum = 1, maximum = 100)]
        percent: Percent,
    },
    /// What there is beyond an amount.
    Above {
        #[schema(value_type = schema::Amount)]
        floor: Millicredits,
    },
    /// Nothing.
    Nothing {},
}

impl From<ShareBody> for Share {
    fn from(body: ShareBody) -> Self {
        match body {
            ShareBody::All {} => Self::All,
            ShareBody::Percent { percent } => Self::Percent { percent: percent.0 },
            ShareBody::Above { floor } => Self::Above { floor },
            ShareBody::Nothing {} => Self::Nothing,
        }
    }
}

impl From<Share> for ShareBody {
    fn from(share: Share) -> Self {
        match share {
            Share::All => Self::All {},
            Share::Percent { percent } => Self::Percent { percent: Percent(percent) },
            Share::Above { floor } => Self::Above { floor },
            Share::Nothing => Self::Nothing {},
        }
    }
}

/// When somebody is away.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAbsence {
    /// Who; whoever is signed in if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::MemberId>)]
    pub(super) member_id: Option<MemberId>,
    /// From when; from now on if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::Time>)]
    from: Option<Time>,
    /// Until before when; until they are back if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::Time>)]
    until: Option<Time>,
    /// All if left out: what nobody has used comes back.
    #[serde(default)]
    share: Option<ShareBody>,
    /// Only this colleague of the same team may use it; if left out, everybody whose calls may draw from the pool.
    #[serde(default)]
    #[schema(value_type = Option<schema::MemberId>)]
    delegate_id: Option<MemberId>,
    /// Why, for people.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    reason: Option<Note>,
}

impl NewAbsence {
    /// One's own, that lends everything to everybody.
    pub(crate) fn own(from: Option<Time>, until: Time) -> Self {
        Self { member_id: None, from, until: Some(until), share: None, delegate_id: None, reason: None }
    }

    /// The same, of somebody.
    pub(crate) fn of(self, member: MemberId) -> Self {
        Self { member_id: Some(member), ..self }
    }

    pub(super) fn terms(self, now: i64) -> Terms {
        Terms {
            from_ms: self.from.map_or(now, Time::ms),
            until_ms: self.until.map(Time::ms),
            lends: Lends { share: self.share.map_or(Share::All, Share::from), to: self.delegate_id },
            reason: self.reason.map(Note::into_string),
        }
    }
}

/// What shall be different.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AbsenceChange {
    #[serde(default)]
    #[schema(value_type = Option<schema::Time>)]
    from: Option<Time>,
    /// `null` for until they are back.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::Time>)]
    until: Option<Option<Time>>,
    #[serde(default)]
    share: Option<ShareBody>,
    /// `null` for everybody whose calls may draw from the pool.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::MemberId>)]
    delegate_id: Option<Option<MemberId>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::Line>)]
    reason: Option<Option<Note>>,
}

impl AbsenceChange {
    pub(super) fn applied(self, terms: Terms) -> Terms {
        let Lends { share, to } = terms.lends;
        Terms {
            from_ms: self.from.map_or(terms.from_ms, Time::ms),
            until_ms: self.until.map_or(terms.until_ms, |until| until.map(Time::ms)),
            lends: Lends { share: self.share.map_or(share, Share::from), to: self.delegate_id.unwrap_or(to) },
            reason: self.reason.map_or(terms.reason, |reason| reason.map(Note::into_string)),
        }
    }
}

/// Where an absence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// It will begin.
    Planned,
    /// They are away.
    Away,
    /// They are back, or did not go.
    Over,
}

/// An absence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Absence {
    #[schema(value_type = schema::AbsenceId)]
    id: AbsenceId,
    #[schema(value_type = schema::MemberId)]
    member_id: MemberId,
    #[schema(value_type = schema::Time)]
    from: Time,
    /// `null` for until they are back.
    #[schema(value_type = Option<schema::Time>)]
    until: Option<Time>,
    state: Phase,
    share: ShareBody,
    /// Who alone may use it; `null` for everybody whose calls may draw from the pool.
    #[schema(value_type = Option<schema::MemberId>)]
    delegate_id: Option<MemberId>,
    /// How much was lent under it in all. Of absences that overlap, the one that was made last lends.
    #[schema(value_type = schema::Credits)]
    lent: Millicredits,
    /// How much of that came back.
    #[schema(value_type = schema::Credits)]
    returned: Millicredits,
    /// What is lent now and can be used.
    #[schema(value_type = schema::Credits)]
    available: Millicredits,
    /// What calls in flight have reserved of it.
    #[schema(value_type = schema::Credits)]
    reserved: Millicredits,
    reason: Option<String>,
    /// When they came back before its time, or it was called off.
    #[schema(value_type = Option<schema::Time>)]
    ended_at: Option<Time>,
    /// When it was said.
    #[schema(value_type = schema::Time)]
    time: Time,
    /// On whose order.
    who: String,
    /// The calendar that says so; `null` where somebody did.
    #[schema(value_type = Option<schema::CalendarId>)]
    calendar_id: Option<CalendarId>,
}

impl Absence {
    /// As it is at a time.
    pub(super) fn new(AbsenceView { absence, left, .. }: AbsenceView, now: i64) -> Self {
        let state = match &absence {
            over if over.ended_ms.is_some() || over.is_past(now) => Phase::Over,
            held if held.holds(now) => Phase::Away,
            _ => Phase::Planned,
        };
        let Terms { from_ms, until_ms, lends, reason } = absence.new.terms;
        Self {
            id: absence.new.id,
            member_id: absence.new.member,
            from: Time::from_ms(from_ms),
            until: until_ms.map(Time::from_ms),
            state,
            share: lends.share.into(),
            delegate_id: lends.to,
            lent: absence.lent,
            returned: absence.returned,
            available: left.available,
            reserved: left.reserved,
            reason,
            ended_at: absence.ended_ms.map(Time::from_ms),
            time: Time::from_ms(absence.time_ms),
            who: absence.who.to_string(),
            calendar_id: absence.calendar,
        }
    }
}
