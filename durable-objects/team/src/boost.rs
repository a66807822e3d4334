//! Boosts: credits for one member, apart from their wallet, as a rule for a
//! while.
//!
//! They pay for calls before the wallet does, the one that ends first first. At
//! the end what is unused goes back to where it came from: at once what is
//! free, and what calls in flight had reserved when they end. From a boost
//! nothing can be sent on.

use std::collections::BTreeMap;

use audit::Draft as Record;
use identity::{BoostId, MemberId, Principal};
use journal::Change;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Draft, Kind, Millicredits};
use storage::{Row, Storage, StorageError, Value};

use crate::Team;
use crate::order::{invalid, not_found};
use crate::protocol::{Balance, Boost, BoostFilter, BoostView, NewBoost, Order, OrderError, Reply};

/// Those with something left are `open`, the others `over`.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS boosts (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    state TEXT NOT NULL,
    ended INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO boosts (id, member, state, ended, data) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended = excluded.ended, data = excluded.data";

/// Without the reasons of somebody, whose text begins with their id.
const WITHOUT_REASONS: &str = "UPDATE boosts SET data = json_remove(data, '$.reason')
    WHERE instr(data ->> '$.who', ?) = 1 AND data ->> '$.reason' IS NOT NULL";

/// At most so many are answered at once.
const PAGE: u32 = 1000;

/// The boosts of which something is left, and how a change leaves them.
#[derive(Debug, Default)]
pub(crate) struct Boosts {
    open: BTreeMap<BoostId, Boost>,
}

/// A boost after a change that was not committed yet.
pub(crate) struct After {
    boost: Boost,
    is_over: bool,
}

impl Boosts {
    pub(crate) fn load(store: &impl Storage) -> Result<Self, StorageError> {
        let rows = store.query("SELECT data FROM boosts WHERE state = 'open'", &[])?;
        let boosts = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { open: boosts.into_iter().map(|boost| (boost.new.id, boost)).collect() })
    }

    /// Takes note of what was committed.
    pub(crate) fn note(&mut self, after: impl IntoIterator<Item = After>) {
        for After { boost, is_over } in after {
            if is_over {
                self.open.remove(&boost.new.id);
            } else {
                self.open.insert(boost.new.id, boost);
            }
        }
    }

    /// Takes away in memory what [`Team::without_reasons_of`] took away.
    pub(crate) fn forget_reasons_of(&mut self, member: MemberId) {
        let theirs = self.open.values_mut().filter(|boost| boost.who.to_string().starts_with(&beginning(member)));
        theirs.for_each(|boost| boost.new.reason = None);
    }

    /// Those that pay for a member's calls, in the order in which they do.
    pub(crate) fn paying(&self, now: i64, member: MemberId) -> Vec<&Boost> {
        let pays = |boost: &&Boost| {
            let Boost { new, ended_ms, .. } = boost;
            new.member == member && ended_ms.is_none() && new.ends_ms.is_none_or(|ends| ends > now)
        };
        let mut paying: Vec<&Boost> = self.open.values().filter(pays).collect();
        paying.sort_by_key(|boost| (boost.new.ends_ms.unwrap_or(i64::MAX), boost.new.id));
        paying
    }

    /// Whether the rate limits of a member and their keys do not bind now.
    pub(crate) fn lift_rate_limits(&self, now: i64, member: MemberId) -> bool {
        self.paying(now, member).iter().any(|boost| boost.new.lifts_rate_limits)
    }

    /// When the next one ends by its time.
    pub(crate) fn next_end(&self) -> Option<i64> {
        let running = self.open.values().filter(|boost| boost.ended_ms.is_none());
        running.filter_map(|boost| boost.new.ends_ms).min()
    }

    /// A member's of which something is left.
    pub(crate) fn of(&self, member: MemberId) -> impl Iterator<Item = &Boost> {
        self.open.values().filter(move |boost| boost.new.member == member)
    }
}

impl<S: Storage> Team<S> {
    /// Sets credits apart for a member.
    pub(crate) fn boost(&mut self, now: i64, order: &Order, new: &NewBoost) -> Result<Reply, OrderError> {
        let mut change = Change::new();
        let after = self.begin_boost(now, new, order.who, &mut change)?;
        let amount = new.amount;
        let left = Balance { balance: amount, reserved: Millicredits::ZERO, available: amount };
        let reply = Reply::Boosted(Box::new(BoostView { boost: after.boost.clone(), left }));
        let reply = self.finish(now, order, change, reply)?;
        self.boosts.note([after]);
        Ok(reply)
    }

    /// Ends a boost before its time.
    pub(crate) fn end_boost(&mut self, now: i64, order: &Order, id: BoostId) -> Result<Reply, OrderError> {
        let BoostView { boost, .. } = self.boost_by_id(id)?;
        if boost.ended_ms.is_some() {
            return Err(OrderError::Conflict { message: format!("the boost `{id}` has ended") });
        }
        let account = Account::Boost(id);
        let mut change = Change::new();
        let reserved = self.reserved(account);
        let after = self.wind_up(now, &boost, (self.available(account), reserved), &mut change)?;
        let left = Balance { balance: reserved, reserved, available: Millicredits::ZERO };
        let reply = Reply::Boosted(Box::new(BoostView { boost: after.boost.clone(), left }));
        let reply = self.finish(now, order, change, reply)?;
        self.boosts.note([after]);
        Ok(reply)
    }

    /// Adds to a change what begins a boost. Where it cannot be done, nothing
    /// was added.
    pub(crate) fn begin_boost(
        &self,
        now: i64,
        new: &NewBoost,
        who: Principal,
        change: &mut Change,
    ) -> Result<After, OrderError> {
        self.must_be_here(new.from)?;
        self.must_know(new.member)?;
        self.is_here(new.member)?;
        if let Some(member) = new.from.member {
            self.must_know(member)?;
        }
        if let Some(ends) = new.ends_ms.filter(|&ends| ends <= now) {
            return Err(invalid(&format!("a boost ends in the future, not at {ends} ms when it is {now} ms")));
        }
        if new.ends_ms.is_none() && new.lifts_rate_limits {
            return Err(invalid("rate limits are lifted for a while: the boost needs an end"));
        }
        if self.find_boost(new.id)?.is_some() {
            return Err(OrderError::Conflict { message: format!("there is a boost `{}` already", new.id) });
        }
        self.payable(new.from.account(), new.amount)?;
        let returned = Millicredits::ZERO;
        let boost = Boost { new: new.clone(), time_ms: now, who, ended_ms: None, returned };
        let accounts = (new.from.account(), Account::Boost(new.id));
        change.post(draft(&boost, Kind::Boost, accounts, new.amount));
        self.keep_boost(change, After { boost, is_over: false })
    }

    /// Ends every boost whose time is over.
    ///
    /// # Errors
    /// When the database fails; what was not ended goes on, but pays for
    /// nothing.
    pub(crate) fn end_boosts(&mut self, now: i64) -> Result<(), StorageError> {
        let failed = |error: &dyn std::fmt::Display| StorageError::Sql(error.to_string());
        let is_due = |boost: &&Boost| boost.ended_ms.is_none() && boost.new.ends_ms.is_some_and(|ends| ends <= now);
        for boost in self.boosts.open.values().filter(is_due).cloned().collect::<Vec<_>>() {
            let account = Account::Boost(boost.new.id);
            let mut change = Change::new();
            let left = (self.available(account), self.reserved(account));
            let after = self.wind_up(now, &boost, left, &mut change).map_err(|error| failed(&error))?;
            let record = Record::done("end_boost", Principal::System);
            change.audit(Record { resource: Some(boost.new.id.to_string()), ..record });
            self.commit(now, change).map_err(|error| failed(&error))?;
            self.boosts.note([after]);
        }
        Ok(())
    }

    /// What it means for a member's boosts that the member has left.
    pub(crate) fn leave_boosts(
        &self,
        now: i64,
        member: MemberId,
        change: &mut Change,
    ) -> Result<Vec<After>, OrderError> {
        let running = self.boosts.of(member).filter(|boost| boost.ended_ms.is_none());
        let end = |boost: &Boost| {
            let account = Account::Boost(boost.new.id);
            // Memory still has them as one who is here.
            let theirs = boost.new.from.member == Some(member);
            let home = if theirs { Account::Pool } else { self.home(boost.new.from) };
            self.wind_up_to(home, now, boost, (self.available(account), self.reserved(account)), change)
        };
        running.map(end).collect()
    }

    /// After something came free on a boost that has ended: it goes back. One
    /// without an end ends when it is spent. With `change` the boost has so
    /// much free, and so much still reserved.
    pub(crate) fn follow_boost(
        &self,
        now: i64,
        account: Account,
        left: (Millicredits, Millicredits),
        change: &mut Change,
    ) -> Result<Option<After>, StorageError> {
        let Account::Boost(id) = account else { return Ok(None) };
        let failed = |error: OrderError| StorageError::Sql(error.to_string());
        let boost = self.find_boost(id).map_err(failed)?;
        let (free, reserved) = left;
        let is_spent = free.saturating_add(reserved) <= Millicredits::ZERO;
        match boost.filter(|boost| boost.ended_ms.is_some() || (is_spent && boost.new.ends_ms.is_none())) {
            Some(boost) => self.wind_up(now, &boost, left, change).map(Some).map_err(failed),
            None => Ok(None),
        }
    }

    /// Adds to a change the end of a boost: what is free goes back, what is
    /// reserved follows when its calls end.
    fn wind_up(
        &self,
        now: i64,
        boost: &Boost,
        left: (Millicredits, Millicredits),
        change: &mut Change,
    ) -> Result<After, OrderError> {
        self.wind_up_to(self.home(boost.new.from), now, boost, left, change)
    }

    fn wind_up_to(
        &self,
        home: Account,
        now: i64,
        boost: &Boost,
        (free, reserved): (Millicredits, Millicredits),
        change: &mut Change,
    ) -> Result<After, OrderError> {
        let mut boost = boost.clone();
        boost.ended_ms.get_or_insert(now);
        if free > Millicredits::ZERO && !mutant::is_active(Mutant::KeepBoost) {
            boost.returned = boost.returned.saturating_add(free);
            let accounts = (Account::Boost(boost.new.id), home);
            let back = Draft { who: Principal::System, ..draft(&boost, Kind::Return, accounts, free) };
            change.post(back);
        }
        self.keep_boost(change, After { boost, is_over: reserved <= Millicredits::ZERO })
    }

    /// Takes away why somebody gave boosts, in their words.
    pub(crate) fn without_reasons_of(member: MemberId, change: &mut Change) {
        change.write(WITHOUT_REASONS, vec![beginning(member).into()]);
    }

    /// A boost and what is left of it.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub fn boost_by_id(&self, id: BoostId) -> Result<BoostView, OrderError> {
        let boost = self.find_boost(id)?.ok_or_else(|| not_found("boost", id))?;
        Ok(self.boost_view(boost))
    }

    /// Boosts, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn boosts(&self, filter: &BoostFilter) -> Result<Vec<BoostView>, OrderError> {
        let before = filter.before.map_or_else(|| "~".to_owned(), |id| id.to_string());
        let member = filter.member.map_or_else(String::new, |member| member.to_string());
        let ended = filter.ended.map_or(-1, i64::from);
        let sql = "SELECT data FROM boosts WHERE id < ? AND (? = '' OR member = ?) AND (? < 0 OR ended = ?)
            ORDER BY id DESC LIMIT ?";
        let limit = filter.limit.min(PAGE);
        let values =
            [before.into(), member.clone().into(), member.into(), ended.into(), ended.into(), Value::Int(limit.into())];
        let rows = self.journal.store().query(sql, &values).map_err(|_| OrderError::Storage)?;
        let boosts = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|_| OrderError::Storage)?;
        Ok(boosts.into_iter().map(|boost| self.boost_view(boost)).collect())
    }

    /// A member's boosts of which something is left.
    pub(crate) fn boosts_of(&self, member: MemberId) -> Vec<BoostView> {
        self.boosts.of(member).map(|boost| self.boost_view(boost.clone())).collect()
    }

    fn boost_view(&self, boost: Boost) -> BoostView {
        BoostView { left: self.balance(Account::Boost(boost.new.id)), boost }
    }

    fn find_boost(&self, id: BoostId) -> Result<Option<Boost>, OrderError> {
        if let Some(open) = self.boosts.open.get(&id) {
            return Ok(Some(open.clone()));
        }
        let rows = self.journal.store().query("SELECT data FROM boosts WHERE id = ?", &[id.to_string().into()]);
        let rows = rows.map_err(|_| OrderError::Storage)?;
        rows.first().map(read).transpose().map_err(|_| OrderError::Storage)
    }

    fn keep_boost(&self, change: &mut Change, after: After) -> Result<After, OrderError> {
        let Boost { new, ended_ms, .. } = &after.boost;
        let data = serde_json::to_string(&after.boost).map_err(|_| OrderError::Storage)?;
        let state = if after.is_over { "over" } else { "open" };
        let ended = i64::from(ended_ms.is_some());
        let values =
            [new.id.to_string().into(), new.member.to_string().into(), state.into(), ended.into(), data.into()];
        change.write(PUT, values.into());
        Ok(after)
    }
}

/// How the text of whoever acts begins, if it is this member, with any key or
/// in any session.
fn beginning(member: MemberId) -> String {
    format!("{member}/")
}

fn read(row: &Row) -> Result<Boost, StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "boost", error: error.to_string() };
    serde_json::from_str(row.text(0)?).map_err(corrupt)
}

fn draft(boost: &Boost, kind: Kind, (debit, credit): (Account, Account), amount: Millicredits) -> Draft {
    // Its reason can be erased one day, and no entry can.
    let reference = boost.new.id.to_string();
    Draft { kind, debit, credit, amount, reference, who: boost.who, call: None, note: None }
}
