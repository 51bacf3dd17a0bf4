//! The miner's solver of subset sums: the same choice as the reference miner's, not only a valid one.
//!
//! Dynamic programming over the sums that can be reached. The numbers are taken one after another, and of each sum
//! is kept which number reached it first; from that the choice is read backwards.

use crate::budget::Budget;
use crate::error::EngineError;

/// Why there is no choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsolved {
    /// No choice of the numbers adds up to the target.
    Impossible,
    /// A negative number, which the reference solver fails on.
    Negative,
    /// The table does not fit into memory.
    NoMemory,
    /// The work budget is used up.
    Failed(EngineError),
}

impl From<EngineError> for Unsolved {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

/// Sums whose bits are looked at together.
const BITS: usize = 64;

/// Which sums can be reached, a bit each, and by which number first.
struct Table {
    target: usize,
    reached: Vec<u64>,
    by: Vec<u32>,
}

impl Table {
    fn new(target: usize) -> Result<Self, Unsolved> {
        let (mut reached, mut by) = (Vec::new(), Vec::new());
        let cells = target.checked_add(1).ok_or(Unsolved::NoMemory)?;
        let words = cells.div_ceil(BITS);
        reached.try_reserve_exact(words).map_err(|_| Unsolved::NoMemory)?;
        by.try_reserve_exact(cells).map_err(|_| Unsolved::NoMemory)?;
        reached.resize(words, 0_u64);
        by.resize(cells, 0_u32);
        if let Some(first) = reached.first_mut() {
            *first = 1; // the sum 0
        }
        Ok(Self { target, reached, by })
    }

    fn reaches(&self, sum: usize) -> bool {
        self.reached.get(sum / BITS).is_some_and(|word| word >> (sum % BITS) & 1 == 1)
    }

    /// Adds every sum that is a known one plus `number`, which is above 0. From the top down, so that none of them is
    /// built on another.
    fn add(&mut self, number: usize, position: u32) {
        let (words, shift) = (number / BITS, number % BITS);
        for at in (words..self.reached.len()).rev() {
            let old = |word: Option<usize>| word.and_then(|word| self.reached.get(word)).copied().unwrap_or(0);
            let from = at - words;
            let mut moved = old(Some(from)) << shift;
            if shift > 0 {
                moved |= old(from.checked_sub(1)) >> (BITS - shift);
            }
            let mut new = moved & !old(Some(at));
            if let Some(word) = self.reached.get_mut(at) {
                *word |= new;
            }
            while new != 0 {
                let sum = at * BITS + new.trailing_zeros() as usize;
                if let Some(by) = self.by.get_mut(sum) {
                    *by = position;
                }
                new &= new - 1;
            }
        }
    }
}

/// Positions of the numbers that add up to `target`, in the reference solver's order.
///
/// # Errors
/// [`Unsolved`].
pub fn solve(numbers: &[i64], target: usize, budget: &mut Budget) -> Result<Vec<usize>, Unsolved> {
    let mut table = Table::new(target)?;
    budget.spend_elements(table.by.len())?;
    let mut solved = false;
    for (position, number) in numbers.iter().enumerate() {
        if target > 0 {
            let number = usize::try_from(*number).map_err(|_| Unsolved::Negative)?;
            budget.spend_elements(table.reached.len())?;
            if (1..=target).contains(&number) {
                table.add(number, u32::try_from(position).map_err(|_| Unsolved::NoMemory)?);
            }
        } else if *number < -1 {
            // Python counts the cell before the first from the end: -1 is the last one, and here the only one.
            return Err(Unsolved::Negative);
        }
        solved = table.reaches(target);
        if solved {
            break;
        }
    }
    if !solved {
        return Err(Unsolved::Impossible);
    }
    let (mut chosen, mut rest) = (Vec::new(), table.target);
    while rest > 0 {
        let position = table.by.get(rest).map_or(0, |by| *by as usize);
        let number = numbers.get(position).and_then(|number| usize::try_from(*number).ok()).unwrap_or(0);
        rest = rest.checked_sub(number).filter(|_| number != 0).ok_or(Unsolved::Impossible)?;
        chosen.push(position);
    }
    Ok(chosen)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // as the reference is written
mod tests {
    use super::*;

    /// The reference solver, cell by cell.
    fn reference(numbers: &[i64], target: usize) -> Option<Vec<usize>> {
        let mut by: Vec<Option<usize>> = vec![None; target + 1];
        by[0] = Some(0);
        for (position, number) in numbers.iter().enumerate() {
            let number = usize::try_from(*number).ok()?;
            for total in (number..=target).rev() {
                if by[total].is_none() && by[total - number].is_some() {
                    by[total] = Some(position);
                }
            }
            if by[target].is_some() {
                let (mut chosen, mut rest) = (Vec::new(), target);
                while rest > 0 {
                    chosen.push(by[rest]?);
                    rest -= usize::try_from(numbers[by[rest]?]).ok()?;
                }
                return Some(chosen);
            }
        }
        None
    }

    fn solved(numbers: &[i64], target: usize) -> Result<Vec<usize>, Unsolved> {
        solve(numbers, target, &mut Budget::new(1_000_000))
    }

    #[test]
    fn the_choice_is_the_reference_s() {
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..3000 {
            let numbers: Vec<i64> = (0..next(9)).map(|_| i64::try_from(next(90)).unwrap_or(0)).collect();
            let target = usize::try_from(next(300)).unwrap_or(0);
            assert_eq!(solved(&numbers, target).ok(), reference(&numbers, target), "{numbers:?} {target}");
        }
    }

    #[test]
    fn words_are_crossed_at_their_ends() {
        for number in [1_i64, 63, 64, 65, 127, 128, 129] {
            for target in [1_usize, 62, 63, 64, 65, 127, 128, 129, 192] {
                let numbers = [number, 1, 62, 64];
                assert_eq!(solved(&numbers, target).ok(), reference(&numbers, target), "{number} {target}");
            }
        }
    }

    #[test]
    fn what_cannot_be_solved_is_told() {
        assert_eq!(solved(&[2, 4], 3), Err(Unsolved::Impossible));
        assert_eq!(solved(&[], 0), Err(Unsolved::Impossible));
        assert_eq!(solved(&[0, 5], 0), Ok(vec![]));
        assert_eq!(solved(&[-1, 5], 0), Ok(vec![]));
        assert_eq!(solved(&[-2, 5], 0), Err(Unsolved::Negative));
        assert_eq!(solved(&[5, -1], 5), Ok(vec![0]));
        assert_eq!(solved(&[4, -1, 5], 5), Err(Unsolved::Negative));
        assert_eq!(solved(&[1], usize::MAX), Err(Unsolved::NoMemory));
        let short = solve(&[1, 2, 3], 500, &mut Budget::new(100));
        assert_eq!(short, Err(Unsolved::Failed(EngineError::BudgetExceeded(100))));
    }
}
