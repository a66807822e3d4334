//! Shells and clients as futures, of which chance picks the one that goes on.
//!
//! There is no runtime: a future waits for a [`Slot`] that the network or the
//! passing of steps fills. A crash drops the futures of an actor wherever they
//! happen to wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::actors::Name;

/// Whose a task is: a crash of the actor ends it.
pub(crate) type Owner = Option<Name>;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What tasks tell whoever runs them.
#[derive(Default)]
pub(crate) struct Scheduler {
    current: Cell<u64>,
    ready: RefCell<Vec<u64>>,
    spawned: RefCell<Vec<(Owner, Task)>>,
}

impl Scheduler {
    pub(crate) fn spawn(&self, owner: Owner, task: impl Future<Output = ()> + 'static) {
        self.spawned.borrow_mut().push((owner, Box::pin(task)));
    }
}

/// All tasks of a run.
#[derive(Default)]
pub(crate) struct Tasks {
    next: u64,
    tasks: BTreeMap<u64, (Owner, Task)>,
}

impl Tasks {
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Takes over what was spawned; says whether a task can go on.
    pub(crate) fn any_ready(&mut self, scheduler: &Scheduler) -> bool {
        for (owner, task) in scheduler.spawned.borrow_mut().drain(..) {
            self.next += 1;
            self.tasks.insert(self.next, (owner, task));
            scheduler.ready.borrow_mut().push(self.next);
        }
        !scheduler.ready.borrow().is_empty()
    }

    /// Lets one of the tasks that can go on do so; `pick` chooses.
    pub(crate) fn run_one(&mut self, scheduler: &Scheduler, pick: impl FnOnce(usize) -> Option<usize>) {
        let id = {
            let mut ready = scheduler.ready.borrow_mut();
            match pick(ready.len()) {
                Some(place) if place < ready.len() => ready.swap_remove(place),
                _ => return,
            }
        };
        let Some((owner, mut task)) = self.tasks.remove(&id) else {
            return;
        };
        scheduler.current.set(id);
        let mut context = Context::from_waker(Waker::noop());
        if task.as_mut().poll(&mut context).is_pending() {
            self.tasks.insert(id, (owner, task));
        }
    }

    /// Ends all that actors were doing.
    pub(crate) fn cut(&mut self) {
        self.tasks.retain(|_, (owner, _)| owner.is_none());
    }

    /// Ends all tasks of an actor where they are.
    pub(crate) fn crash(&mut self, name: Name) {
        self.tasks.retain(|_, (owner, _)| *owner != Some(name));
    }
}

/// A place for one value that a task waits for.
pub(crate) struct Slot<T> {
    scheduler: Rc<Scheduler>,
    state: Rc<RefCell<State<T>>>,
}

struct State<T> {
    value: Option<T>,
    waiter: Option<u64>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self { scheduler: Rc::clone(&self.scheduler), state: Rc::clone(&self.state) }
    }
}

impl<T> Slot<T> {
    pub(crate) fn new(scheduler: &Rc<Scheduler>) -> Self {
        let state = State { value: None, waiter: None };
        Self { scheduler: Rc::clone(scheduler), state: Rc::new(RefCell::new(state)) }
    }

    /// Gives the value; only the first one counts.
    pub(crate) fn fill(&self, value: T) {
        let mut state = self.state.borrow_mut();
        if state.value.is_none() {
            state.value = Some(value);
            if let Some(waiter) = state.waiter.take() {
                self.scheduler.ready.borrow_mut().push(waiter);
            }
        }
    }
}

impl<T> Future for Slot<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        let mut state = self.state.borrow_mut();
        match state.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                state.waiter = Some(self.scheduler.current.get());
                Poll::Pending
            }
        }
    }
}
