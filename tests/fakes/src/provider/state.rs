//! What all connections of one provider share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Options;
use super::books::Books;
use super::plan::Plan;

/// The provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) books: Arc<Books>,
    pub(crate) mode: Mode,
    pub(crate) models: Vec<String>,
    /// `Bearer …`, if it insists on a key.
    pub(crate) authorization: Option<String>,
}

impl Provider {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            books: Arc::new(Books::new(options.keep_calls, options.keep_requests)),
            mode: Mode::new(options.plan),
            models: options.models,
            authorization: options.api_key.map(|key| format!("Bearer {key}")),
        }
    }

    pub(crate) fn reset(&self) {
        self.books.reset();
        self.mode.reset();
    }
}

/// The plan for calls that bring none of their own.
#[derive(Debug)]
pub(crate) struct Mode {
    usual: Arc<Plan>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    plan: Arc<Plan>,
    /// For how many more calls; then the usual one again.
    times: Option<u64>,
}

impl Mode {
    fn new(plan: Plan) -> Self {
        let usual = Arc::new(plan);
        Self { now: Mutex::new(Now { plan: Arc::clone(&usual), times: None }), usual }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, plan: Plan, times: Option<u64>) {
        *self.now() = Now { plan: Arc::new(plan), times };
    }

    pub(crate) fn reset(&self) {
        *self.now() = Now { plan: Arc::clone(&self.usual), times: None };
    }

    pub(crate) fn current(&self) -> Arc<Plan> {
        Arc::clone(&self.now().plan)
    }

    /// The plan of one more call.
    pub(crate) fn take(&self) -> Arc<Plan> {
        let mut now = self.now();
        match now.times {
            None => {}
            Some(0) => *now = Now { plan: Arc::clone(&self.usual), times: None },
            Some(times) => now.times = Some(times - 1),
        }
        Arc::clone(&now.plan)
    }
}
