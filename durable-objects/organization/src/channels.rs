//! Channels by which people are told of something, and what came from one and
//! was refused. Gateways need not know them, so nothing of the settings changes.

use audit::{Changed, Draft, Outcome};
use identity::{ChannelId, MemberId, Principal};
use journal::Change;
use storage::Storage;

use crate::Organization;
use crate::order::not_found;
use crate::organization::write;
use crate::protocol::{Channel, Order, OrderError, Refused, Reply};
use crate::records;

/// Each is looked at for every notification.
const MOST_CHANNELS: usize = 50;

impl<S: Storage> Organization<S> {
    pub(crate) fn put_channel(
        &mut self,
        now: i64,
        order: &Order,
        channel: &Channel,
        new: bool,
    ) -> Result<Reply, OrderError> {
        if !new && !self.records.channels.contains_key(&channel.id) {
            return Err(not_found("channel", channel.id));
        }
        if new && self.records.channels.len() >= MOST_CHANNELS {
            return Err(OrderError::Conflict { message: format!("an organization can have {MOST_CHANNELS} channels") });
        }
        let same_name = |other: &&Channel| other.id != channel.id && other.name == channel.name;
        if let Some(other) = self.records.channels.values().find(same_name) {
            let message = format!("the channel `{}` is named `{}` already", other.id, other.name);
            return Err(OrderError::Conflict { message });
        }
        let mut change = Change::new();
        write(&mut change, channel.id, channel)?;
        let reply = self.finish(now, order, change, Reply::Channel(Box::new(channel.clone())))?;
        self.records.channels.insert(channel.id, channel.clone());
        Ok(reply)
    }

    pub(crate) fn remove_channel(&mut self, now: i64, order: &Order, id: ChannelId) -> Result<Reply, OrderError> {
        if !self.records.channels.contains_key(&id) {
            return Err(not_found("channel", id));
        }
        let mut change = Change::new();
        let (sql, values) = records::remove(id);
        change.write(sql, values);
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.records.channels.remove(&id);
        Ok(reply)
    }

    /// Notes that a channel is tried: nothing changes, and something is sent.
    pub(crate) fn note_test(
        &mut self,
        now: i64,
        order: &Order,
        id: ChannelId,
        member: Option<MemberId>,
    ) -> Result<Reply, OrderError> {
        let channel = self.records.channels.get(&id).ok_or_else(|| not_found("channel", id))?;
        if !channel.enabled {
            let message = format!("the channel `{id}` is off: turn it on with `\"enabled\": true` first");
            return Err(OrderError::Conflict { message });
        }
        if let Some(member) = member
            && !self.records.members.contains_key(&member)
        {
            return Err(not_found("member", member));
        }
        self.finish(now, order, Change::new(), Reply::Done)
    }

    /// All channels, with their sealed secrets.
    ///
    /// # Errors
    /// When there is no such organization.
    pub fn channels(&self) -> Result<Vec<Channel>, OrderError> {
        self.profile()?;
        Ok(self.records.channels.values().cloned().collect())
    }

    /// Notes what came from a chat or a workload and was refused, within what is noted of
    /// strangers in a minute: whoever forges requests fills no trail.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_refused(&mut self, now: i64, refused: &Refused) -> Result<Reply, OrderError> {
        self.profile()?;
        if !self.strangers.may_note(now) {
            return Ok(Reply::Done);
        }
        let who = refused.channel.zip(refused.member).and_then(|(channel, member)| self.writer(member, channel));
        let draft = refused.by.draft("chat", who, Outcome::Denied, Changed::default());
        let resource = refused.channel.map(|channel| channel.to_string());
        let mut change = Change::new();
        change.audit(Draft { code: Some(refused.code.clone()), resource, ..draft });
        self.commit(now, change)?;
        Ok(Reply::Done)
    }

    fn writer(&self, member: MemberId, channel: ChannelId) -> Option<Principal> {
        self.records.members.contains_key(&member).then_some(Principal::Chat(member, channel))
    }
}
