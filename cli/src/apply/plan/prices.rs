//! Own prices and discounts: all in one request, so that all hold at once.

use pricing::Override;
use serde_json::json;

use super::{Change, PlanError, Planner, Sign, Step, shown};
use crate::api::operations as ops;
use crate::apply::term::Term;

impl Planner<'_> {
    pub(super) fn prices(&mut self) -> Result<(), PlanError> {
        let (file, state) = (self.file, self.state);
        let (mut changes, mut set, mut remove) = (Vec::new(), Vec::new(), Vec::new());
        for (place, price) in file.prices.iter().enumerate() {
            let what = label(price);
            if file.prices.iter().take(place).any(|other| same(price, other)) {
                return Err(PlanError::Twice(what));
            }
            match state.prices.iter().find(|other| same(price, other)) {
                Some(other) if other.change == price.change => continue,
                Some(other) => {
                    let text = |one: &Override| shown(&json!(one.change), "none");
                    let field = Some(("change".to_owned(), text(other), text(price)));
                    changes.push(Change { sign: Sign::Change, what, field });
                }
                None => changes.push(Change { sign: Sign::Make, what, field: None }),
            }
            set.push(Term::from(price));
        }
        for gone in state.prices.iter().filter(|other| !file.prices.iter().any(|price| same(price, other))) {
            if self.options.prune {
                changes.push(Change { sign: Sign::Remove, what: label(gone), field: None });
                let mut name = vec![("model", Term::from(&gone.model))];
                name.extend(gone.provider.as_ref().map(|provider| ("provider", Term::from(provider))));
                remove.push(Term::Object(name));
            }
        }
        if !changes.is_empty() {
            let lists = [("set", set), ("remove", remove)].into_iter().filter(|(_, list)| !list.is_empty());
            let body = Some(Term::Object(lists.map(|(name, list)| (name, Term::List(list))).collect()));
            self.steps.push(Step { changes, operation: ops::CHANGE_OVERRIDES, ids: Vec::new(), body, makes: None });
        }
        Ok(())
    }
}

fn same(one: &Override, other: &Override) -> bool {
    let provider = |price: &Override| price.provider.as_ref().map(|provider| provider.to_ascii_lowercase());
    one.model == other.model && provider(one) == provider(other)
}

fn label(price: &Override) -> String {
    match &price.provider {
        Some(provider) => format!("price {} at {provider}", price.model),
        None => format!("price {}", price.model),
    }
}
