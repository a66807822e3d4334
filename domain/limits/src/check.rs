//! Whether a call still fits under a limit.

use crate::amount::LimitAmount;
use crate::bounds::Bounds;
use crate::limit::Limit;
use crate::meter::Meter;
use crate::spend::Spend;

/// A limit that a call would have exceeded, with what its caller should know.
/// Amounts are in the limit's unit, credits in millicredits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the limit of {limit} leaves {}: {} used, {} reserved by calls in flight",
    self.written(*left), self.written(*used), self.written(*reserved)
)]
pub struct Exceeded {
    /// How much still fits.
    pub left: i64,
    /// The limit.
    pub limit: Limit,
    /// What is spent in the window.
    pub used: i64,
    /// What calls in flight may yet spend.
    pub reserved: i64,
    /// When the window ends, in milliseconds since 1970; `i64::MAX` is never.
    pub resets_ms: i64,
}

impl Exceeded {
    const fn written(&self, amount: i64) -> LimitAmount {
        LimitAmount::new(self.limit.unit(), amount)
    }
}

/// Whether `need` fits under the limit, beside what is used and reserved.
///
/// A call that needs nothing of the limit's unit fits even where nothing is
/// left. A need below zero never fits: nothing legitimate asks for it.
///
/// # Errors
/// [`Exceeded`] when it does not fit.
pub fn check(limit: &Limit, meter: &Meter, bounds: &[Bounds; 7], need: Spend) -> Result<(), Exceeded> {
    let left = left(limit, meter, bounds);
    if (0..=left).contains(&need.get(limit.unit())) {
        return Ok(());
    }
    let taken = meter.taken(limit.window(), bounds);
    Err(Exceeded {
        left,
        limit: *limit,
        used: taken.used.get(limit.unit()),
        reserved: taken.reserved.get(limit.unit()),
        resets_ms: limit.window().of(bounds).end_ms,
    })
}

/// How much the limit leaves in the window of the moment; never below zero,
/// also where the limit was lowered below what had been spent.
#[must_use]
pub fn left(limit: &Limit, meter: &Meter, bounds: &[Bounds; 7]) -> i64 {
    let taken = meter.taken(limit.window(), bounds);
    // Both are at least zero, so that the sum can only stop at the top, where
    // nothing is left of any limit.
    let taken = taken.used.get(limit.unit()).saturating_add(taken.reserved.get(limit.unit()));
    limit.amount().saturating_sub(taken).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Calendar, Kind, Unit, Window, Zone};

    fn at(now_ms: i64) -> [Bounds; 7] {
        *Calendar::new(Zone::UTC).at(now_ms)
    }

    fn meter(used: i64, reserved: i64) -> Meter {
        let mut meter = Meter::default();
        meter.record(1000, Spend::new(used, used, used), &at(1000));
        meter.reserve(1000, Spend::new(reserved, reserved, reserved), &at(1000)).unwrap();
        meter
    }

    fn limit(window: Window, unit: Unit, amount: i64) -> Limit {
        Limit::new(Kind::Cap, window, unit, amount).unwrap()
    }

    #[test]
    fn fits_up_to_the_last_millicredit() {
        let need = |amount| Spend::new(amount, 0, 0);
        for (amount, used, reserved, need, left, fits) in [
            (100, 0, 0, need(100), 100, true),
            (100, 0, 0, need(101), 100, false),
            (100, 60, 30, need(10), 10, true),
            (100, 60, 30, need(11), 10, false),
            (100, 60, 40, need(0), 0, true),
            (100, 60, 40, need(1), 0, false),
            (100, 500, 40, need(0), 0, true),
            (100, 500, 40, need(1), 0, false),
            (0, 0, 0, need(1), 0, false),
            (0, 0, 0, need(0), 0, true),
            (100, 0, 0, need(-1), 100, false),
            (100, 0, 0, need(i64::MIN), 100, false),
            (100, 0, 0, need(i64::MAX), 100, false),
            (100, i64::MAX - 7, 7, need(i64::MAX), 0, false),
            (Limit::MAX_MILLICREDITS, i64::MAX - 7, 7, need(1), 0, false),
            (Limit::MAX_MILLICREDITS, 1, 0, need(i64::MAX), Limit::MAX_MILLICREDITS - 1, false),
        ] {
            let (limit, meter) = (limit(Window::Total, Unit::Credits, amount), meter(used, reserved));
            let shown = format!("{amount} {used} {reserved} {need:?}");
            assert_eq!(super::left(&limit, &meter, &at(1000)), left, "{shown}");
            assert_eq!(check(&limit, &meter, &at(1000), need).is_ok(), fits, "{shown}");
        }
    }

    #[test]
    fn each_unit_and_each_window_for_itself() {
        let meter = meter(5, 5);
        for unit in [Unit::Credits, Unit::Tokens, Unit::Requests] {
            let need = Spend::new(1, 2, 3);
            for window in Window::ALL {
                let exact = 10 + need.get(unit);
                assert_eq!(check(&limit(window, unit, exact), &meter, &at(1000), need), Ok(()));
                assert!(check(&limit(window, unit, exact - 1), &meter, &at(1000), need).is_err());
                // A minute later only the minute is new.
                let later = left(&limit(window, unit, exact), &meter, &at(60_000));
                assert_eq!(later, if window == Window::Minute { exact } else { need.get(unit) });
            }
        }
    }

    #[test]
    fn a_refusal_says_what_is_left_and_until_when() {
        let refusal =
            check(&limit(Window::Hour, Unit::Credits, 10_000), &meter(9000, 500), &at(1000), Spend::new(501, 0, 0));
        let refusal = refusal.unwrap_err();
        assert_eq!((refusal.left, refusal.used, refusal.reserved, refusal.resets_ms), (500, 9000, 500, 3_600_000));
        assert_eq!(
            refusal.to_string(),
            "the limit of 10 credits per hour leaves 0.5: 9 used, 0.5 reserved by calls in flight"
        );
        let never = check(&limit(Window::Total, Unit::Tokens, 3), &meter(3, 0), &at(1000), Spend::new(0, 1, 0));
        let never = never.unwrap_err();
        assert_eq!(never.resets_ms, i64::MAX);
        assert_eq!(never.to_string(), "the limit of 3 tokens in total leaves 0: 3 used, 0 reserved by calls in flight");
    }
}
