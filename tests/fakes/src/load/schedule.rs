//! When the next call is due.
//!
//! Without a rate a worker calls again as soon as it has its answer. With
//! one, calls are due at fixed times whatever the target does, and their
//! latency counts from then: a call that waits because others are slow is
//! measured as its caller would have felt it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The last call may be due at the very end, and waking up takes a moment.
const GRACE: Duration = Duration::from_millis(50);

/// All workers share it.
#[derive(Debug)]
pub(crate) struct Schedule {
    start: Instant,
    end: Instant,
    calls: u64,
    taken: AtomicU64,
    /// With a rate: calls that are due, let go by a thread, because the
    /// runtime's timer only knows whole milliseconds.
    due: Option<Due>,
}

#[derive(Debug)]
struct Due {
    rate: u32,
    /// One permit for each call that is due.
    permits: Semaphore,
    released: AtomicU64,
}

/// A call to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// Counts from 0.
    pub(crate) number: u64,
    /// When it is due, if there is a rate.
    pub(crate) due: Option<Instant>,
}

impl Schedule {
    pub(crate) fn start(duration: Duration, calls: u64, rate: Option<u32>) -> Arc<Self> {
        let start = Instant::now();
        let due = rate.map(|rate| Due { rate, permits: Semaphore::new(0), released: AtomicU64::new(0) });
        let timed = due.is_some();
        let taken = AtomicU64::new(0);
        let schedule = Arc::new(Self { start, end: start + duration, calls, taken, due });
        if timed {
            let schedule = Arc::clone(&schedule);
            std::thread::spawn(move || schedule.release());
        }
        schedule
    }

    /// Waits for the next call; none when calls or time are used up.
    pub(crate) async fn next(&self) -> Option<Turn> {
        if let Some(due) = &self.due {
            // Closed when the time is up: what is still due stays unsent.
            due.permits.acquire().await.ok()?.forget();
        } else if Instant::now() >= self.end {
            return None;
        }
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let due = self.due.as_ref().map(|due| due_at(self.start, number, due.rate));
        (number < self.calls).then_some(Turn { number, due })
    }

    /// Calls that were due but that nobody was free to make.
    pub(crate) fn unsent(&self) -> Option<u64> {
        let released = self.due.as_ref()?.released.load(Ordering::Relaxed);
        Some(released.saturating_sub(self.taken.load(Ordering::Relaxed)))
    }

    /// What the thread does. With a rate no more permits are given than there
    /// are calls.
    fn release(&self) {
        let Some(due) = &self.due else { return };
        for number in 0..self.calls {
            let at = due_at(self.start, number, due.rate);
            if at >= self.end {
                break;
            }
            if let Some(wait) = at.checked_duration_since(Instant::now()) {
                std::thread::sleep(wait);
            }
            due.released.fetch_add(1, Ordering::Relaxed);
            due.permits.add_permits(1);
        }
        // Let the workers take what is due, but not for ever.
        while self.unsent() != Some(0) && Instant::now() < self.end + GRACE {
            std::thread::sleep(Duration::from_millis(1));
        }
        due.permits.close();
    }
}

fn due_at(start: Instant, number: u64, rate: u32) -> Instant {
    // At most 10^7 calls a run (`MAX_CALLS`), so this is below 2^64.
    start + Duration::from_nanos(number.saturating_mul(1_000_000_000) / u64::from(rate))
}
