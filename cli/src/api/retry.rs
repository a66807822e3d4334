//! How often, and after what pauses, a request is sent again.

use std::time::Duration;

/// The first and four more.
pub(crate) const MOST: u32 = 5;
/// Doubled with every try: 0.2 + 0.4 + 0.8 + 1.6 are 3 seconds in all.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Alfred asks for 1 or 5 seconds, and whoever came too often for what is left
/// of a minute; who asks for more is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The tries that are left.
#[derive(Debug)]
pub(crate) struct Tries {
    left: u32,
    pause: Duration,
    told: Option<Duration>,
}

impl Tries {
    /// So many tries in all, of which the first is being made.
    pub(crate) fn new(most: u32) -> Self {
        Self { left: most.saturating_sub(1), pause: FIRST_PAUSE, told: None }
    }

    /// The answer said when to come again (`Retry-After`, in seconds).
    pub(crate) fn told_to_wait(&mut self, header: Option<&str>) {
        self.told = header.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    }
}

impl Iterator for Tries {
    type Item = Duration;

    /// The pause before the next try; `None` when it was the last.
    fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let pause = self.told.take().unwrap_or(self.pause);
        self.pause = self.pause.saturating_mul(2);
        Some(pause).filter(|pause| *pause <= LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_bounded() {
        let ms: Vec<u128> = Tries::new(MOST).map(|pause| pause.as_millis()).collect();
        assert_eq!(ms, [200, 400, 800, 1600]);
        assert_eq!(Tries::new(1).next(), None);
    }

    #[test]
    fn alfred_says_when() {
        for (header, pause) in [
            (Some("5"), Some(Duration::from_secs(5))),
            (Some("0"), Some(Duration::ZERO)),
            (Some("3600"), None),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), Some(FIRST_PAUSE)),
            (None, Some(FIRST_PAUSE)),
        ] {
            let mut tries = Tries::new(2);
            tries.told_to_wait(header);
            assert_eq!(tries.next(), pause, "{header:?}");
        }
    }
}
