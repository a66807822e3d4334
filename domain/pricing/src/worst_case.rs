//! What a call can cost at most: what is reserved for it.

use ledger::Millicredits;

use crate::cost::from_millionths;
use crate::{OverflowError, Tariff, UsageBound};

/// Units that a price is for.
const MILLION: i128 = 1_000_000;

/// The most that a call can cost, split into what its input costs and what
/// each token of output adds, so that the payer's means decide how much
/// output it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorstCase {
    /// The most that the input can cost, the fee per call and the searches
    /// included: what the payer must have in any case.
    pub input: Millicredits,
    /// The most that a million tokens of output can cost, in millicredits,
    /// never below zero.
    pub output_per_million: i64,
}

impl Tariff {
    /// The most that a call within `bound` can cost. Every tier that so much
    /// input can reach counts, for the output too.
    ///
    /// # Errors
    /// [`OverflowError`] if the ledger cannot count so much.
    pub fn worst_case(&self, bound: &UsageBound) -> Result<WorstCase, OverflowError> {
        let mut input = Millicredits::ZERO;
        let mut output_per_million = 0;
        for (input_tokens, rates) in self.reachable(bound.input_tokens) {
            input = input.max(from_millionths(rates.worst_input(bound, input_tokens)?)?);
            output_per_million = output_per_million.max(rates.worst_output(bound));
        }
        Ok(WorstCase { input, output_per_million })
    }
}

impl WorstCase {
    /// The most that the call can cost with so much output.
    ///
    /// # Errors
    /// [`OverflowError`] if the ledger cannot count so much.
    pub fn total(&self, output_tokens: u64) -> Result<Millicredits, OverflowError> {
        let output = i128::from(output_tokens).checked_mul(i128::from(self.output_per_million));
        self.input.checked_add(from_millionths(output.ok_or(OverflowError)?)?).ok_or(OverflowError)
    }

    /// The most output that `available` pays for: the largest number of
    /// tokens whose [`WorstCase::total`] is at most `available`, and
    /// `u64::MAX` where output costs nothing. `None` if not even the input
    /// can be paid.
    #[must_use]
    pub fn affordable_output(&self, available: Millicredits) -> Option<u64> {
        let left = i128::from(available.get()).checked_sub(i128::from(self.input.get()))?;
        if left < 0 {
            return None;
        }
        if self.output_per_million <= 0 {
            return Some(u64::MAX);
        }
        let tokens = left.checked_mul(MILLION)?.checked_div(i128::from(self.output_per_million))?;
        Some(u64::try_from(tokens).unwrap_or(u64::MAX))
    }
}
