//! Changing what was read, without losing anybody else's change.

use ::organization::protocol::{Act, Reply};
use journal::Tag;

use super::Admin;
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};

/// How often a change is begun anew because somebody else was faster. So many
/// changes of one thing do not come within one request's time.
const ATTEMPTS: u32 = 5;

impl Admin {
    /// Reads something, alters it and writes it back as a whole: `read` says
    /// what it is and its tag, `alter` what it shall be. If somebody else has
    /// changed it in between, it is begun anew; unless the client has said by
    /// `If-Match` what it was meant for.
    pub(crate) async fn change<R>(
        &self,
        repeat: &Repeat,
        read: impl AsyncFn() -> Result<(Tag, R), Problem>,
        alter: impl Fn(R) -> Result<Act, Problem>,
    ) -> Result<Reply, Problem> {
        let mut attempts = ATTEMPTS;
        loop {
            attempts = attempts.saturating_sub(1);
            let (tag, found) = read().await?;
            let outcome = self.order(&repeat.meant_for(tag), alter(found)?).await;
            match outcome {
                Err(problem)
                    if problem.code == Code::PreconditionFailed && repeat.if_match.is_none() && attempts > 0 => {}
                outcome => return outcome,
            }
        }
    }
}
