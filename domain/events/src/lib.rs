//! What the actors publish and say to each other.
//!
//! In scope: the batches that go through the queue to D1, the messages between
//! the organization's actor and its teams', and what is told live to whoever
//! listens; and what more than one of them keeps. They outlive a version of the code (in a queue, in an outbox), so
//! their forms are pinned by tests: fields are added with a default, never
//! renamed or removed.
//!
//! Out of scope: how they are delivered (`durable-objects/journal`) and what
//! they cause (`team`, `organization`, `projector`).

mod batch;
mod lends;
mod live;
mod message;
mod period;
mod publication;
mod trail;

pub use batch::JournalBatch;
pub use lends::{Lends, Share};
pub use live::{Cursor, CursorError, Listener, LiveEvent, LiveKind, Sees, Told};
pub use message::{Envelope, MemberProfile, MemberStatus, Message, OnDemand, Passage, Place, PoolDraw, TeamProfile};
pub use period::{Gives, Keep, Period, PeriodDone};
pub use publication::{Publication, Unreadable, without_details};
pub use trail::AuditBatch;
