//! What a command wants to write.

use audit::Erasure;
use events::Message;
use ledger::Draft;
use storage::Value;

/// A statement of the actor's own tables.
pub type Statement = (&'static str, Vec<Value>);

/// Everything that one command writes. Committed whole or not at all.
#[derive(Debug, Default)]
pub struct Change {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) records: Vec<audit::Draft>,
    pub(crate) messages: Vec<(String, Message)>,
    pub(crate) received: Option<String>,
    pub(crate) remembered: Option<(String, String, String)>,
    pub(crate) statements: Vec<Statement>,
}

impl Change {
    /// A change that writes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry to the journal.
    pub fn post(&mut self, draft: Draft) -> &mut Self {
        self.drafts.push(draft);
        self
    }

    /// Adds a record to the audit trail: who did what this change writes, or
    /// was not allowed to.
    pub fn audit(&mut self, draft: audit::Draft) -> &mut Self {
        self.records.push(draft);
        self
    }

    /// Erases the details of records that are already in the trail. The draft
    /// says who ordered it: an erasure is a record of its own, and that is how
    /// D1 hears of it.
    pub fn erase_details(&mut self, draft: audit::Draft, what: Erasure) -> &mut Self {
        self.audit(audit::Draft { erases: Some(what), ..draft })
    }

    /// Whether D1 must hear of it.
    #[must_use]
    pub const fn is_published(&self) -> bool {
        !self.drafts.is_empty() || !self.records.is_empty()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.is_published()
            && self.messages.is_empty()
            && self.received.is_none()
            && self.remembered.is_none()
            && self.statements.is_empty()
    }

    /// Adds a message to another actor, by its name.
    pub fn send(&mut self, to: impl Into<String>, message: Message) -> &mut Self {
        self.messages.push((to.into(), message));
        self
    }

    /// Says which message this change answers, so that it is never answered
    /// again.
    pub fn receive(&mut self, envelope: impl Into<String>) -> &mut Self {
        self.received = Some(envelope.into());
        self
    }

    /// Keeps the reply to a command under its idempotency key.
    pub fn remember(
        &mut self,
        key: impl Into<String>,
        fingerprint: impl Into<String>,
        reply: impl Into<String>,
    ) -> &mut Self {
        self.remembered = Some((key.into(), fingerprint.into(), reply.into()));
        self
    }

    /// Forgets the replies to earlier commands that name an id: they have its
    /// owner's name.
    pub fn forget_replies(&mut self, id: impl ToString) -> &mut Self {
        self.write("DELETE FROM commands WHERE instr(reply, ?) > 0", vec![Value::Text(id.to_string())])
    }

    /// Adds a statement on the actor's own tables.
    pub fn write(&mut self, sql: &'static str, values: Vec<Value>) -> &mut Self {
        self.statements.push((sql, values));
        self
    }
}
