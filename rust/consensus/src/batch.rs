//! Many blocks at once: what does not depend on the tree is computed by several threads, the tree grows in order.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};

use crate::block::Block;
use crate::engine::{Engine, Judgement, Profile, Rules};
use crate::error::EngineError;

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

/// What is done where there is no verdict. Such a row has changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjudged {
    /// The next row is judged.
    GoOn,
    /// That row is the last one.
    Stop,
}

/// Judges blocks in their order and puts each into the tree, as [`Engine::judge`] and [`Engine::apply`] do one by
/// one.
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
    unjudged: Unjudged,
) -> Vec<Result<Judgement, EngineError>> {
    let pieces = Pieces::new(rows, *engine.rules(), profile);
    let helpers = threads.saturating_sub(1).min(pieces.rows.len().saturating_sub(1));
    thread::scope(|scope| {
        let returns: Vec<_> = (0..helpers).map(|helper| help(scope, &pieces, helper)).collect();
        let mut verdicts = Vec::with_capacity(rows.len());
        for (position, piece) in pieces.rows.iter().enumerate() {
            let Some(prepared) = pieces.prepared(position) else {
                break; // A helper has panicked, and so does the scope when it ends.
            };
            for (row, block) in piece.iter().zip(&prepared.blocks) {
                verdicts.push(engine.take(block, row.received_at, profile));
                if unjudged == Unjudged::Stop && verdicts.last().is_some_and(Result::is_err) {
                    pieces.prepare_no_more();
                    return verdicts;
                }
            }
            if let Some(helper) = prepared.by.and_then(|helper| returns.get(helper)) {
                let _ = helper.send(prepared); // One that has panicked takes nothing back.
            }
        }
        verdicts
    })
}

/// Starts a thread that prepares pieces. Each goes back to it when it is done with: the allocator is many times slower
/// where one thread frees what another one has allocated.
fn help<'scope, 'a: 'scope>(
    scope: &'scope Scope<'scope, '_>,
    pieces: &'scope Pieces<'a>,
    helper: usize,
) -> Sender<Prepared<'a>> {
    let (back, done) = mpsc::channel();
    scope.spawn(move || {
        while pieces.prepare_next(Some(helper)) {
            done.try_iter().for_each(drop);
        }
        done.into_iter().for_each(drop); // Ends when the channel is closed.
    });
    back
}

/// The blocks of a piece, and which helper has prepared them.
struct Prepared<'a> {
    blocks: Vec<Block<'a>>,
    by: Option<usize>,
}

/// The rows in pieces, each of which some thread prepares.
struct Pieces<'a> {
    rows: Vec<&'a [Row<'a>]>,
    prepared: Vec<Mutex<Option<Prepared<'a>>>>,
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
        let profile = rules.profile(profile);
        let rows: Vec<_> = rows.chunks(ROWS_AT_ONCE).collect();
        let prepared = rows.iter().map(|_| Mutex::new(None)).collect();
        Self { rows, prepared, next: AtomicUsize::new(0), at_work: AtomicUsize::new(0), rules, profile }
    }

    /// Prepares the next piece that nobody has begun. False if there is none.
    fn prepare_next(&self, by: Option<usize>) -> bool {
        let _at_work = AtWork::on(&self.at_work); // Before the piece is taken: whoever waits for it sees that.
        let position = self.next.fetch_add(1, SeqCst);
        let (Some(rows), Some(place)) = (self.rows.get(position), self.prepared.get(position)) else { return false };
        let blocks = rows.iter().map(|row| prepared(row.raw, &self.rules, self.profile)).collect();
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Prepared { blocks, by });
        true
    }

    fn prepare_no_more(&self) {
        self.next.store(self.rows.len(), SeqCst);
    }

    /// A piece, prepared. While another thread is at it, this one prepares pieces too. `None` if nobody is at work any
    /// more and it is not there: who had begun it has panicked.
    fn prepared(&self, position: usize) -> Option<Prepared<'a>> {
        let place = self.prepared.get(position)?;
        let take = || place.lock().unwrap_or_else(PoisonError::into_inner).take();
        loop {
            if let Some(prepared) = take() {
                return Some(prepared);
            }
            if !self.prepare_next(None) {
                if self.at_work.load(SeqCst) == 0 {
                    return take();
                }
                thread::yield_now();
            }
        }
    }
}

/// A block with all that is known of it without a tree.
fn prepared<'a>(raw: &'a [u8], rules: &Rules, profile: Profile) -> Block<'a> {
    let block = Block::read(raw);
    if block.out_of_domain().is_none() {
        // All of it is kept in the block, exceptions too.
        let _ = block.computed_hash();
        let _ = block.work(rules.python_minor);
        if profile == Profile::Full {
            let _ = block.solved(rules.python_minor, rules.work_budget);
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
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
            Ok(judgement) => format!("{:?} {:?} {:?}", judgement.reason, judgement.tip_hash, judgement.tip_cumulative),
            Err(error) => error.to_string(),
        };
        verdicts.iter().map(tell).collect()
    }

    #[test]
    fn many_at_once_are_judged_as_one_by_one_by_any_number_of_threads() {
        let log = log(1000);
        let rows: Vec<_> = log.iter().map(|text| Row { raw: text.as_bytes(), received_at: 2.0 }).collect();
        let one_by_one = engine().map(|mut engine| {
            let take = |row: &Row<'_>| engine.take(&Block::read(row.raw), row.received_at, Profile::Header);
            let verdicts: Vec<_> = rows.iter().map(take).collect();
            (told(&verdicts), engine.export())
        });
        assert!(one_by_one.as_ref().is_some_and(|(told, _)| told
            .iter()
            .filter(|told| told.starts_with("None"))
            .count()
            == 1000));
        for threads in [0, 1, 2, 3, 16] {
            let at_once = engine().map(|mut engine| {
                let verdicts = take_all(&mut engine, &rows, Profile::Header, threads, Unjudged::GoOn);
                (told(&verdicts), engine.export())
            });
            assert!(at_once == one_by_one, "{threads} threads");
        }
        assert_eq!(
            engine().map(|mut engine| take_all(&mut engine, &[], Profile::Header, 4, Unjudged::GoOn).len()),
            Some(0)
        );
    }

    #[test]
    fn where_it_stops_at_the_first_row_without_a_verdict_the_rest_can_be_given_in_again() {
        let log = log(1000);
        let rows: Vec<_> = log.iter().map(|text| Row { raw: text.as_bytes(), received_at: 2.0 }).collect();
        let at_once = engine().map(|mut engine| {
            let verdicts = take_all(&mut engine, &rows, Profile::Header, 2, Unjudged::GoOn);
            (told(&verdicts), engine.export())
        });
        let in_pieces = engine().map(|mut engine| {
            let (mut verdicts, mut calls) = (Vec::new(), 0);
            while let Some(rest) = rows.get(verdicts.len()..).filter(|rest| !rest.is_empty()) {
                let more = take_all(&mut engine, rest, Profile::Header, 2, Unjudged::Stop);
                assert!(more.iter().rev().skip(1).all(Result::is_ok));
                verdicts.extend(more);
                calls += 1;
            }
            assert!(calls > 20, "{calls}");
            (told(&verdicts), engine.export())
        });
        assert!(in_pieces == at_once);
    }
}
