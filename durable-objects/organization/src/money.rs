//! Credits between the treasury, the departments and the teams.

use events::{Envelope, Message, Passage};
use identity::{Principal, TeamId, TransferId};
use journal::{Change, Remembered};
use ledger::{Account, Draft, Kind, Millicredits};
use limits::{Window, Zone};
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{Moved, Order, OrderError, Reply, ToppedUp};

impl<S: Storage> Organization<S> {
    /// Credits come into being.
    pub(crate) fn issue(
        &mut self,
        now: i64,
        order: &Order,
        transfer: TransferId,
        amount: Millicredits,
        note: Option<String>,
    ) -> Result<Reply, OrderError> {
        above_zero(amount)?;
        let (from, to) = (Account::Issued, Account::Treasury);
        let mut change = Change::new();
        change.post(draft(Kind::Issue, (from, to), amount, transfer, order.who, note));
        let moved = Moved { transfer, amount, from, from_available: Millicredits::ZERO, to, time_ms: now };
        self.finish(now, order, change, Reply::Moved(moved))
    }

    /// Credits between treasury and departments, and down to a team's pool.
    pub(crate) fn allot(
        &mut self,
        now: i64,
        order: &Order,
        (transfer, from, to, amount): (TransferId, Account, Account, Millicredits),
        note: Option<String>,
    ) -> Result<Reply, OrderError> {
        above_zero(amount)?;
        for account in [from, to] {
            self.must_exist(account)?;
        }
        let mut change = Change::new();
        let kind = match (from, to) {
            (Account::Treasury, Account::Department(_)) => Kind::Allot,
            (Account::Department(_), Account::Treasury) => Kind::Return,
            (Account::Department(department), Account::Team(team)) => {
                let home = self.records.teams.get(&team).map(|record| record.profile.department);
                if home != Some(department) {
                    return Err(invalid(format!("the team `{team}` is in another department than `{department}`")));
                }
                let message = Message::Allot { transfer, amount, who: order.who, note: note.clone() };
                change.send(team.to_string(), message);
                Kind::Allot
            }
            _ => {
                return Err(invalid(format!(
                    "credits cannot be allotted from `{from}` to `{to}`: they go from the treasury to a department, \
                     from a department to its teams, and back"
                )));
            }
        };
        change.post(draft(kind, (from, to), amount, transfer, order.who, note));
        let from_available = self.journal.balance(from).saturating_sub(amount);
        let moved = Moved { transfer, amount, from, from_available, to, time_ms: now };
        self.finish(now, order, change, Reply::Moved(moved))
    }

    /// A team asks its department for credits under its standing order: what
    /// the department has, up to what is asked and to the month's cap. Asking
    /// twice under one key is asking once.
    ///
    /// # Errors
    /// [`OrderError`]; nothing has changed. The team may ask again later.
    pub fn top_up(
        &mut self,
        now: i64,
        team: TeamId,
        key: &str,
        asked: Millicredits,
        transfer: TransferId,
    ) -> Result<ToppedUp, OrderError> {
        let fingerprint = team.to_string();
        match self.journal.recall(key, &fingerprint).map_err(|_| OrderError::Storage)? {
            Remembered::New => {}
            Remembered::Same(reply) => return serde_json::from_str(&reply).map_err(|_| OrderError::Storage),
            Remembered::Different => return Err(OrderError::IdempotencyConflict { key: key.to_owned() }),
        }
        let profile = self.profile()?;
        let zone = Zone::parse(&profile.general.time_zone).unwrap_or(Zone::UTC);
        let mut record = self.records.teams.get(&team).cloned().ok_or_else(|| not_found("team", team))?;
        let plan = record.profile.on_demand.clone().ok_or_else(|| invalid("the team has no standing order"))?;
        // In the month of the last top-up, also where the clock was put back
        // or the time zone changed: neither may begin a month a second time.
        let (last, so_far) = record.topped_up;
        let month_began = Window::Month.bounds(now, &zone).start_ms;
        let so_far = if last >= month_began { so_far } else { Millicredits::ZERO };
        let cap_left = plan.monthly_cap.map_or(Millicredits::MAX, |cap| cap.saturating_sub(so_far));
        let from = Account::Department(record.profile.department);
        let amount = asked.min(cap_left).min(self.journal.balance(from));
        if amount <= Millicredits::ZERO {
            let left = self.journal.balance(from);
            return Err(OrderError::InsufficientFunds { account: from, left, needed: asked });
        }
        let reply = ToppedUp { amount };
        record.topped_up = (last.max(now), so_far.saturating_add(amount));
        let note = Some("top-up".to_owned());
        let mut change = Change::new();
        write(&mut change, team, &record)?;
        change.post(draft(Kind::Allot, (from, Account::Team(team)), amount, transfer, Principal::System, note.clone()));
        change.send(team.to_string(), Message::Allot { transfer, amount, who: Principal::System, note });
        change.remember(key, fingerprint, serde_json::to_string(&reply).map_err(|_| OrderError::Storage)?);
        self.commit(now, change)?;
        self.records.teams.insert(team, record);
        Ok(reply)
    }

    /// Applies a message from a team unless it was applied before.
    ///
    /// # Errors
    /// [`OrderError`]; the sender tries again.
    pub fn receive(&mut self, now: i64, envelope: &Envelope) -> Result<Reply, OrderError> {
        if self.journal.has_received(&envelope.id).map_err(|_| OrderError::Storage)? {
            return Ok(Reply::Done);
        }
        let mut change = Change::new();
        change.receive(&envelope.id);
        match &envelope.message {
            Message::Return { team, transfer, amount, who, note } => {
                must_be_from(envelope, *team)?;
                let record = self.records.teams.get(team).ok_or_else(|| not_found("team", team))?;
                let to = Account::Department(record.profile.department);
                change.post(draft(Kind::Return, (Account::Team(*team), to), *amount, *transfer, *who, note.clone()));
            }
            Message::Transfer(passage) => {
                must_be_from(envelope, passage.from.team)?;
                self.pass_on(passage, &mut change)?;
            }
            Message::Refused { passage, .. } => {
                must_be_from(envelope, passage.to.team)?;
                let way = (Account::Team(passage.to.team), Account::Team(passage.from.team));
                change.post(between(passage, Kind::Undo, way));
                change.send(passage.from.team.to_string(), envelope.message.clone());
            }
            Message::CarriedOut { approval, team, failed } => {
                must_be_from(envelope, *team)?;
                let approval = self.approval_carried_out(*approval, failed.as_ref(), &mut change)?;
                self.commit(now, change)?;
                self.approvals.note(approval);
                return Ok(Reply::Done);
            }
            Message::PeriodDone(done) => {
                must_be_from(envelope, done.team)?;
                let plan = self.period_done(done, &mut change)?;
                self.commit(now, change)?;
                self.records.plans.extend(plan.map(|plan| (done.plan, plan)));
                return Ok(Reply::Done);
            }
            _ => return Err(invalid("that is for a team")),
        }
        self.commit(now, change)?;
        Ok(Reply::Done)
    }

    /// Credits of one team's on their way to another: what each has, seen from
    /// above, follows them.
    fn pass_on(&self, passage: &Passage, change: &mut Change) -> Result<(), OrderError> {
        self.must_exist(Account::Team(passage.from.team))?;
        if let Err(error) = self.must_exist(Account::Team(passage.to.team)) {
            // They never left the first team's account here.
            let refused = Message::Refused { passage: passage.clone(), reason: error.to_string() };
            change.send(passage.from.team.to_string(), refused);
            return Ok(());
        }
        let kind = if passage.undoes { Kind::Undo } else { Kind::Transfer };
        let way = (Account::Team(passage.from.team), Account::Team(passage.to.team));
        change.post(between(passage, kind, way));
        change.send(passage.to.team.to_string(), Message::Transfer(passage.clone()));
        Ok(())
    }

    fn must_exist(&self, account: Account) -> Result<(), OrderError> {
        match account {
            Account::Treasury => Ok(()),
            Account::Department(id) if self.records.departments.contains_key(&id) => Ok(()),
            Account::Department(id) => Err(not_found("department", id)),
            Account::Team(id) if self.records.teams.contains_key(&id) => Ok(()),
            Account::Team(id) => Err(not_found("team", id)),
            other => Err(invalid(format!("`{other}` is not an account of the organization"))),
        }
    }
}

fn must_be_from(envelope: &Envelope, team: TeamId) -> Result<(), OrderError> {
    if envelope.is_from(team) {
        return Ok(());
    }
    Err(invalid(format!("the message `{}` is not from the team `{team}`", envelope.id)))
}

fn between(passage: &Passage, kind: Kind, way: (Account, Account)) -> Draft {
    // Its note can be erased one day, and no entry can: the teams keep it beside.
    draft(kind, way, passage.amount, passage.transfer, passage.who, None)
}

fn above_zero(amount: Millicredits) -> Result<(), OrderError> {
    if amount > Millicredits::ZERO {
        return Ok(());
    }
    Err(invalid(format!("`{amount}` is not an amount to move: it must be above zero")))
}

fn draft(
    kind: Kind,
    (debit, credit): (Account, Account),
    amount: Millicredits,
    transfer: TransferId,
    who: Principal,
    note: Option<String>,
) -> Draft {
    Draft { kind, debit, credit, amount, reference: transfer.to_string(), who, call: None, note }
}
