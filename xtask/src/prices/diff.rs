//! What a refresh changes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pricing::file::ModelEntry;

use super::Book;

/// Every model that is new, gone or different, a line each, and the counts.
pub(super) fn summary(old: &Book, new: &Book) -> String {
    let (old, new) = (by_name(old), by_name(new));
    let mut text = String::new();
    let mut counts = [0_usize; 3];
    for (name, model) in &new {
        match old.get(name) {
            None => {
                counts[0] += 1;
                let _ = writeln!(text, "added: {name}: {}", shown(model));
            }
            Some(before) if before != model => {
                counts[1] += 1;
                let _ = writeln!(text, "changed: {name}: {} -> {}", shown(before), shown(model));
            }
            Some(_) => {}
        }
    }
    for (name, model) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        counts[2] += 1;
        let _ = writeln!(text, "removed: {name}: {}", shown(model));
    }
    let [added, changed, removed] = counts;
    let _ = writeln!(text, "{} models: {added} added, {changed} changed, {removed} removed", new.len());
    text
}

fn by_name(book: &Book) -> BTreeMap<String, &ModelEntry<'static>> {
    let models = book.providers.iter().flat_map(|(id, entry)| entry.models.iter().map(move |model| (id, model)));
    models.map(|(id, model)| (format!("{id}/{}", model.id), model)).collect()
}

/// The price in few words: input and output of the first entry.
fn shown(model: &ModelEntry<'_>) -> String {
    let Some(price) = model.prices.first() else {
        return "not priced".to_owned();
    };
    let output = price.rates.output.map(|output| format!("/{output}")).unwrap_or_default();
    let more = if model.prices.len() > 1 || !price.tiers.is_empty() { " and more" } else { "" };
    format!("{}{output}{more}", price.rates.input)
}
