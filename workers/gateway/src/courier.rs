//! The way to a team's actor: settles that wait for a reservation to take
//! them along, so that a busy team is sent one message a call and not two.
//!
//! What one call leaves here, another one's message may carry, but nothing
//! here waits for another call: the runtime forbids it, and a call may be cut
//! off at any time with what it carries. Each settle is watched by its own
//! call, by the clock, until it is known to be heard; the actor knows one that
//! is told twice.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use identity::TeamId;
use runtime::{ActorError, Actors, now_ms};
use team::protocol::{Answer, Command, Reserve, Settle, SettleError};
use worker::console_error;

use crate::pause::wait;

/// A settle waits so long to be taken along. Its reservation stays open
/// meanwhile, which a person hardly notices.
const LINGER_MS: i64 = 100;

/// A message that has taken a settle along is given so long to be answered.
const UNDERWAY_MS: i64 = 2000;

/// So many settles travel in one message.
const MOST_TOGETHER: usize = 50;

/// A settle is sent again after 0.2, 0.4, 0.8 … s: within the 30 s that a
/// worker has after its answer. What is not heard by then expires, and is paid
/// at what was last reported.
const ATTEMPTS: u32 = 7;
const FIRST_PAUSE_MS: i64 = 200;

thread_local! {
    static WAITING: RefCell<HashMap<TeamId, Vec<Rc<Letter>>>> = RefCell::default();
}

/// A settle on its way.
struct Letter {
    settle: Settle,
    ended_ms: i64,
    place: Cell<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Waiting,
    /// In a message that was sent at this time.
    Underway(i64),
    Heard,
}

/// Asks a team's actor to reserve, and takes along what waits for that team.
pub(crate) async fn reserve(actors: &Actors, team: TeamId, reserve: Reserve) -> Result<Answer, ActorError> {
    let letters = take(team);
    if letters.is_empty() {
        return actors.team(team, &Command::Reserve(reserve)).await;
    }
    send(actors, team, &letters, Some(reserve)).await?.ok_or_else(unreadable)
}

/// Tells a team's actor what a call came to, and answers when it has heard.
pub(crate) async fn settle(actors: &Actors, team: TeamId, settle: Settle) {
    let letter = Rc::new(Letter { settle, ended_ms: now_ms(), place: Cell::new(Place::Waiting) });
    post(team, Rc::clone(&letter));
    wait(LINGER_MS).await;
    let mut attempt = 0;
    while letter.place.get() != Place::Heard && attempt < ATTEMPTS {
        if let Place::Underway(since_ms) = letter.place.get()
            && now_ms().saturating_sub(since_ms) < UNDERWAY_MS
        {
            wait(LINGER_MS).await;
            continue;
        }
        let mut letters = take(team);
        if !letters.iter().any(|other| Rc::ptr_eq(other, &letter)) {
            letters.push(Rc::clone(&letter));
        }
        let sent = send(actors, team, &letters, None).await;
        if letter.place.get() == Place::Heard {
            return;
        }
        console_error!("settle for {team}, attempt {attempt}: {sent:?}");
        wait(FIRST_PAUSE_MS << attempt).await;
        attempt = attempt.saturating_add(1);
    }
    // Nobody shall carry it any more.
    letter.place.set(Place::Heard);
}

fn post(team: TeamId, letter: Rc<Letter>) {
    WAITING.with_borrow_mut(|waiting| waiting.entry(team).or_default().push(letter));
}

/// What waits for a team, oldest first, up to a message full.
fn take(team: TeamId) -> Vec<Rc<Letter>> {
    WAITING.with_borrow_mut(|waiting| {
        let Some(mut all) = waiting.remove(&team) else { return Vec::new() };
        all.retain(|letter| letter.place.get() == Place::Waiting);
        if all.len() > MOST_TOGETHER {
            waiting.insert(team, all.split_off(MOST_TOGETHER));
        }
        all
    })
}

/// Sends settles, and the answer to a reservation that goes with them.
async fn send(
    actors: &Actors,
    team: TeamId,
    letters: &[Rc<Letter>],
    reserve: Option<Reserve>,
) -> Result<Option<Answer>, ActorError> {
    let sent_ms = now_ms();
    letters.iter().for_each(|letter| letter.place.set(Place::Underway(sent_ms)));
    let settle = |letter: &Rc<Letter>| {
        let ended_ago_ms = sent_ms.saturating_sub(letter.ended_ms).max(0);
        Command::Settle(Settle { ended_ago_ms, ..letter.settle.clone() })
    };
    let settles = letters.iter().map(settle);
    let commands = settles.chain(reserve.map(Command::Reserve)).collect();
    let outcome = actors.team(team, &Command::Together(commands)).await;
    let mut answers = match outcome {
        Ok(Answer::Together(answers)) => Ok(answers.into_iter()),
        Ok(_) => Err(unreadable()),
        Err(error) => Err(error),
    };
    for letter in letters {
        let answer = answers.as_mut().ok().and_then(Iterator::next);
        if is_heard(team, answer) {
            letter.place.set(Place::Heard);
        } else if letter.place.get() == Place::Underway(sent_ms) {
            letter.place.set(Place::Waiting);
            post(team, Rc::clone(letter));
        }
    }
    answers.map(|mut rest| rest.next())
}

fn is_heard(team: TeamId, answer: Option<Answer>) -> bool {
    match answer {
        Some(Answer::Settle(Ok(_) | Err(SettleError::UnknownReservation))) => true,
        Some(Answer::Settle(Err(error @ SettleError::NegativeCost))) => {
            console_error!("settle for {team}: {error}");
            true
        }
        _ => false,
    }
}

fn unreadable() -> ActorError {
    ActorError::Unreadable("not as many answers as questions".to_owned())
}
