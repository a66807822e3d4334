//! What the chores say: each long step, and how long it took.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Says what is being done, does it, and says how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("▸ {what}");
    let clock = Clock::start();
    let value = work()?;
    println!("  done in {}", clock.shown());
    Ok(value)
}

/// Says something below the current step.
pub(crate) fn note(text: &str) {
    println!("  {text}");
}

/// Says why the chore failed, innermost cause last.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}

/// Measures a step.
pub(crate) struct Clock(Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the ban is for wasm; chores run natively")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn shown(&self) -> String {
        shown(self.elapsed())
    }
}

/// A duration as people want to read it.
pub(crate) fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let table =
            [(40, "0.0 s"), (1_240, "1.2 s"), (59_900, "59.9 s"), (60_000, "1 min 0 s"), (135_000, "2 min 15 s")];
        for (milliseconds, expected) in table {
            assert_eq!(shown(Duration::from_millis(milliseconds)), expected);
        }
    }
}
