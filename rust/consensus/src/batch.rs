//! Many blocks at once: what does not depend on the tree is computed by several threads, the tree grows in order.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::engine::{Engine, Judgement};
use crate::error::EngineError;
use crate::rules::prepared::Prepared;
use crate::rules::reason::Profile;
use crate::rules::settings::Rules;

/// Rows that a thread prepares in one go: enough to make the handing over cheap, few enough to share the work.
const ROWS_AT_ONCE: usize = 8;

/// A block as a log has it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its bytes.
    pub raw: &'a [u8],
    /// When it arrived, in seconds.
    pub received_at: f64,
}

/// Judges blocks in their order and puts each into the tree, as [`Engine::judge`] and [`Engine::apply`] do one by
/// one. Of a block without a verdict there is the error; it has changed nothing.
///
/// Up to `threads` threads work, this one included.
///
/// # Panics
/// If evaluating a block panics in one of the threads.
pub fn take_all(
    engine: &mut Engine,
    rows: &[Row<'_>],
    profile: Profile,
    threads: usize,
) -> Vec<Result<Judgement, EngineError>> {
    let mut verdicts = Vec::with_capacity(rows.len());
    let _ = in_order(*engine.rules(), rows, profile, threads, |prepared, row| {
        let judged = engine.judge_prepared(prepared, row.received_at, profile);
        verdicts.push(judged.and_then(|judgement| engine.apply(&judgement).map(|()| judgement)));
        ControlFlow::<()>::Continue(())
    });
    verdicts
}

/// As [`take_all`] for a caller who asks only where it ends: at the first block without a verdict. Returns how many
/// were judged, and why there is no verdict on the next one.
///
/// # Panics
/// As [`take_all`].
pub fn pass_all(
    engine: &mut Engine,
    rows: &[Row<'_>],
    profile: Profile,
    threads: usize,
) -> (usize, Result<(), EngineError>) {
    let mut judged = 0;
    let end = in_order(*engine.rules(), rows, profile, threads, |prepared, row| {
        match engine.take_prepared(prepared, row.received_at, profile) {
            Ok(_) => {
                judged += 1;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    });
    (judged, end.break_value().map_or(Ok(()), Err))
}

/// Prepares rows by several threads and hands them on in their order, by this one.
fn in_order<B>(
    rules: Rules,
    rows: &[Row<'_>],
    profile: Profile,
    threads: usize,
    mut each: impl FnMut(Prepared<'_>, &Row<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let pieces = Pieces::new(rows, rules, profile);
    let helpers = threads.saturating_sub(1).min(pieces.rows.len().saturating_sub(1));
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(|| while pieces.prepare_next() {});
        }
        for (position, piece) in pieces.rows.iter().enumerate() {
            let Some(prepared) = pieces.prepared(position) else {
                break; // A helper has panicked, and so does the scope when it ends.
            };
            for (row, prepared) in piece.iter().zip(prepared) {
                let flow = each(prepared, row);
                if flow.is_break() {
                    pieces.prepare_no_more();
                    return flow;
                }
            }
        }
        ControlFlow::Continue(())
    })
}

/// Blocks that were prepared together.
type Piece<'a> = Vec<Prepared<'a>>;

/// The rows in pieces, each of which some thread prepares.
struct Pieces<'a> {
    rows: Vec<&'a [Row<'a>]>,
    prepared: Vec<Mutex<Option<Piece<'a>>>>,
    next: AtomicUsize,
    at_work: AtomicUsize,
    rules: Rules,
    profile: Profile,
}

/// Counts a thread as one at work until it ends its piece, be it by a panic.
struct AtWork<'p>(&'p AtomicUsize);

impl<'p> AtWork<'p> {
    fn on(count: &'p AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl<'a> Pieces<'a> {
    fn new(rows: &'a [Row<'a>], rules: Rules, profile: Profile) -> Self {
        let rows: Vec<_> = rows.chunks(ROWS_AT_ONCE).collect();
        let prepared = rows.iter().map(|_| Mutex::new(None)).collect();
        Self { rows, prepared, next: AtomicUsize::new(0), at_work: AtomicUsize::new(0), rules, profile }
    }

    /// Prepares the next piece that nobody has begun. False if there is none.
    fn prepare_next(&self) -> bool {
        let _at_work = AtWork::on(&self.at_work); // Before the piece is taken: whoever waits for it sees that.
        let position = self.next.fetch_add(1, SeqCst);
        let (Some(rows), Some(place)) = (self.rows.get(position), self.prepared.get(position)) else { return false };
        let prepared = rows.iter().map(|row| Prepared::read(row.raw, &self.rules, self.profile)).collect();
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(prepared);
        true
    }

    fn prepare_no_more(&self) {
        self.next.store(self.rows.len(), SeqCst);
    }

    /// A piece, prepared. While another thread is at it, this one prepares pieces too. `None` if nobody is at work any
    /// more and it is not there: who had begun it has panicked.
    fn prepared(&self, position: usize) -> Option<Piece<'a>> {
        let place = self.prepared.get(position)?;
        let take = || place.lock().unwrap_or_else(PoisonError::into_inner).take();
        loop {
            if let Some(prepared) = take() {
                return Some(prepared);
            }
            if !self.prepare_next() {
                if self.at_work.load(SeqCst) == 0 {
                    return take();
                }
                thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Block;
    use crate::fixtures::{child, engine};

    /// A log of a chain with, here and there, a block that is none, is not accepted, or lies outside the domain.
    fn log(length: usize) -> Vec<String> {
        let block = |index: usize| child(index, index - 1, index);
        let odd = |index: usize| match index % 4 {
            0 => "no block".to_owned(),
            1 => block(index + 7),
            2 => block(index).replace("\"P\"", &format!("{}{}", "[".repeat(80), "]".repeat(80))),
            _ => block(index).replace("\"P\"", "{}"),
        };
        (1..=length)
            .flat_map(|index| if index % 9 == 0 { vec![odd(index), block(index)] } else { vec![block(index)] })
            .collect()
    }

    fn told(verdicts: &[Result<Judgement, EngineError>]) -> Vec<String> {
        let tell = |verdict: &Result<Judgement, EngineError>| match verdict {
            Ok(judgement) => {
                format!("{:?} {:?} {:?}", judgement.reason(), judgement.tip_hash, judgement.tip_cumulative)
            }
            Err(error) => error.to_string(),
        };
        verdicts.iter().map(tell).collect()
    }

    #[test]
    fn many_at_once_are_judged_as_one_by_one_by_any_number_of_threads() {
        let log = log(1000);
        let rows: Vec<_> = log.iter().map(|text| Row { raw: text.as_bytes(), received_at: 2.0 }).collect();
        let one_by_one = engine().map(|mut engine| {
            let mut judge = |row: &Row<'_>| {
                let judgement = engine.judge(&Block::read(row.raw), row.received_at, Profile::Header)?;
                engine.apply(&judgement).map(|()| judgement)
            };
            let verdicts: Vec<_> = rows.iter().map(&mut judge).collect();
            (told(&verdicts), engine.export())
        });
        assert!(one_by_one.as_ref().is_some_and(|(told, _)| told
            .iter()
            .filter(|told| told.starts_with("None"))
            .count()
            == 1000));
        for threads in [0, 1, 2, 3, 16] {
            let at_once = engine().map(|mut engine| {
                let verdicts = take_all(&mut engine, &rows, Profile::Header, threads);
                (told(&verdicts), engine.export())
            });
            assert!(at_once == one_by_one, "{threads} threads");
        }
        assert_eq!(engine().map(|mut engine| take_all(&mut engine, &[], Profile::Header, 4).len()), Some(0));
    }

    #[test]
    fn where_it_stops_at_the_first_row_without_a_verdict_the_rest_can_be_given_in_again() {
        let log = log(1000);
        let rows: Vec<_> = log.iter().map(|text| Row { raw: text.as_bytes(), received_at: 2.0 }).collect();
        let at_once = engine().map(|mut engine| {
            let verdicts = take_all(&mut engine, &rows, Profile::Header, 2);
            let errors: Vec<_> = verdicts.into_iter().filter_map(Result::err).collect();
            (errors, engine.export())
        });
        assert!(at_once.as_ref().is_some_and(|(errors, _)| errors.len() > 20));
        for threads in [1, 2] {
            let in_pieces = engine().map(|mut engine| {
                let (mut errors, mut rest) = (Vec::new(), rows.as_slice());
                while !rest.is_empty() {
                    let (judged, end) = pass_all(&mut engine, rest, Profile::Header, threads);
                    rest = rest.get(judged + usize::from(end.is_err())..).unwrap_or_default();
                    errors.extend(end.err());
                }
                (errors, engine.export())
            });
            assert!(in_pieces == at_once, "{threads} threads");
        }
    }
}
