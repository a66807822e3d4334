//! Secrets that are sealed anew when the master secret changes.
//!
//! The actor cannot open them and need not: whoever has the master secrets
//! hands in each as it was and as it shall be. What somebody has changed or
//! removed in between stays as it is. Nothing else changes, so no team and no
//! gateway need hear of it, and sign-ins that were begun go on.

use journal::Change;
use storage::Storage;

use crate::Organization;
use crate::organization::write;
use crate::protocol::{Calendar, Channel, Holder, Order, OrderError, Reply, Resealed, SignIn};
use crate::records::SIGN_IN;
use crate::settings::Provider;

impl<S: Storage> Organization<S> {
    /// Exchanges what is still as it was; doing it twice is doing it once.
    pub(crate) fn reseal(&mut self, now: i64, order: &Order, secrets: &[Resealed]) -> Result<Reply, OrderError> {
        let mut change = Change::new();
        let mut providers: Vec<Provider> = Vec::new();
        let mut channels: Vec<Channel> = Vec::new();
        let mut calendars: Vec<Calendar> = Vec::new();
        let mut sign_in: Option<SignIn> = None;
        for Resealed { holder, before, after } in secrets {
            match holder {
                Holder::Provider(id) => {
                    let known = self.records.providers.get(id).filter(|known| known.key.as_ref() == Some(before));
                    let Some(known) = known else { continue };
                    let provider = Provider { key: Some(after.clone()), ..known.clone() };
                    write(&mut change, id, &provider)?;
                    providers.push(provider);
                }
                Holder::Channel(id) => {
                    let known = self.records.channels.get(id).filter(|known| known.secret == *before);
                    let Some(known) = known else { continue };
                    let channel = Channel { secret: after.clone(), ..known.clone() };
                    write(&mut change, id, &channel)?;
                    channels.push(channel);
                }
                Holder::Calendar(id) => {
                    let known = self.records.calendars.get(id).filter(|known| known.secret == *before);
                    let Some(known) = known else { continue };
                    let calendar = Calendar { secret: after.clone(), ..known.clone() };
                    write(&mut change, id, &calendar)?;
                    calendars.push(calendar);
                }
                Holder::SignIn => {
                    let known = self.records.sign_in.as_ref().filter(|known| known.client_secret == *before);
                    let Some(known) = known else { continue };
                    let resealed = SignIn { client_secret: after.clone(), ..known.clone() };
                    write(&mut change, SIGN_IN, &resealed)?;
                    sign_in = Some(resealed);
                }
            }
        }
        if providers.is_empty() && channels.is_empty() && calendars.is_empty() && sign_in.is_none() {
            return Ok(Reply::Done);
        }
        let reply = self.finish(now, order, change, Reply::Done)?;
        for provider in providers {
            self.records.providers.insert(provider.id, provider);
        }
        for channel in channels {
            self.records.channels.insert(channel.id, channel);
        }
        for calendar in calendars {
            self.records.calendars.insert(calendar.id, calendar);
        }
        self.records.sign_in = sign_in.or_else(|| self.records.sign_in.take());
        Ok(reply)
    }
}
