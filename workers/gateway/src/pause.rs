//! Waiting.

use std::pin::Pin;
use std::time::Duration;

use runtime::now_ms;
use worker::Delay;

/// A timer for many waits. A wait that is given up leaves it running, and the
/// next one, which ends later, does not set it anew: every chunk of a stream is
/// waited for, and each setting costs as much as passing a chunk on.
#[derive(Default)]
pub(crate) struct Pause {
    running: Option<(i64, Pin<Box<Delay>>)>,
}

impl Pause {
    /// Waits until `at_ms` (milliseconds since 1970), or for a shorter time:
    /// whoever waits looks at the clock.
    pub(crate) async fn until(&mut self, at_ms: i64) {
        if self.running.as_ref().is_none_or(|(rings_ms, _)| *rings_ms > at_ms) {
            self.running = Some((at_ms, Box::pin(delay(at_ms.saturating_sub(now_ms())))));
        }
        if let Some((_, delay)) = &mut self.running {
            delay.as_mut().await;
            self.running = None;
        }
    }
}

/// Waits for so many milliseconds.
pub(crate) async fn wait(ms: i64) {
    delay(ms).await;
}

fn delay(ms: i64) -> Delay {
    Delay::from(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}
