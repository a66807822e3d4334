//! What waits to be delivered, read past the core's own reading.

use events::{Envelope, Message};
use storage::Storage;

use super::rows;
use crate::actors::Disk;
use crate::violation::{Checked, Violation};

/// The messages that name something.
pub(super) fn about(disk: &Disk, id: &impl ToString) -> Checked<Vec<Message>> {
    let sql = "SELECT message FROM outbox WHERE message LIKE '%' || ? || '%'";
    let rows = disk.native().query(sql, &[id.to_string().into()]).map_err(rows::unreadable)?;
    let read = |text: &str| -> Checked<Message> {
        let envelope: Result<Envelope, _> = serde_json::from_str(text);
        let unreadable = |error: serde_json::Error| Violation { check: "messages", detail: error.to_string() };
        envelope.map(|envelope| envelope.message).map_err(unreadable)
    };
    rows.iter().map(|row| row.text(0).map_err(rows::unreadable).and_then(read)).collect()
}
