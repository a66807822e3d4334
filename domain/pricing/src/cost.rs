//! What a call did cost.

use ledger::Millicredits;
use ledger::mutant::{self, Mutant};

use crate::{OverflowError, Tariff, Usage, UsageBound, UsageError};

/// Units that a price is for.
const MILLION: i128 = 1_000_000;

/// Why a call's cost cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// The report contradicts itself: charge [`Tariff::dearest`] and mark the
    /// call for reconciliation.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The ledger cannot count so much.
    #[error(transparent)]
    Overflow(#[from] OverflowError),
}

impl Tariff {
    /// The exact cost of a call: the sum over all units, divided once and
    /// rounded up to a millicredit.
    ///
    /// # Errors
    /// [`CostError`], if the usage contradicts itself or the sum does not fit.
    pub fn cost(&self, usage: &Usage) -> Result<Millicredits, CostError> {
        let parts = usage.parts()?;
        let millionths = self.rates_for(usage.input_tokens).cost(&parts, usage)?;
        Ok(from_millionths(millionths)?)
    }

    /// The most that a call can have cost under any reading of a usage that
    /// contradicts itself: as many tokens as its numbers allow, each of the
    /// dearest kind. Never below [`Tariff::cost`] where there is one.
    ///
    /// # Errors
    /// [`OverflowError`] if the ledger cannot count so much.
    pub fn dearest(&self, usage: &Usage) -> Result<Millicredits, OverflowError> {
        let input_tokens = usage.greatest_input();
        let bound = UsageBound {
            input_audio_tokens: input_tokens,
            input_image_tokens: input_tokens,
            web_searches: usage.web_searches,
            file_searches: usage.file_searches,
            ..UsageBound::new(input_tokens)
        };
        self.worst_case(&bound)?.total(usage.greatest_output())
    }
}

/// Millionths of a millicredit as millicredits, rounded up.
pub(crate) fn from_millionths(millionths: i128) -> Result<Millicredits, OverflowError> {
    let up = if mutant::is_active(Mutant::RoundDown) { 0 } else { MILLION.saturating_sub(1) };
    millionths
        .checked_add(up)
        .and_then(|sum| sum.checked_div(MILLION))
        .and_then(|value| i64::try_from(value).ok())
        .map(Millicredits::new)
        .ok_or(OverflowError)
}
