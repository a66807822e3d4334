//! `cargo xtask prices`: refreshes the embedded price book.
//!
//! Takes the newest `genai-prices` (prices) and `litellm` (sizes, and a second
//! opinion on prices) from the Python package registry through `pip`, which
//! nothing is installed or run from, and writes `domain/pricing/data`. The same
//! packages give the same bytes. Prints what changed and where the two sources
//! disagree: read both before committing.

mod diff;
mod glob;
mod json;
mod litellm;
mod models;
mod rates;
mod rules;
mod wheels;

use std::path::Path;

use anyhow::{Context, Result};
use pricing::file::{ModelEntry, PriceFile, ProviderEntry, Source};
use serde_json::value::RawValue;

/// A file with its models parsed.
type Book = PriceFile<Vec<ModelEntry<'static>>>;

/// Refreshes the price book in the working tree.
pub(crate) fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")?;
    let data = root.join("domain/pricing/data");
    let old_text = std::fs::read_to_string(data.join("prices.json")).context("reading the old prices")?;
    let old: Book = serde_json::from_str::<PriceFile<Box<RawValue>>>(&old_text)
        .map_err(anyhow::Error::from)
        .and_then(parse_models)
        .context("parsing the old prices")?;

    let wheels = wheels::fetch(&root.join("target/prices"))?;
    let retrieved = wheels.retrieved(&old.sources);
    let (providers, notes) = models::translate(&wheels.prices, wheels.day_ms(&retrieved)?)?;
    let mut book = Book { sources: sources(&wheels, &retrieved), providers };
    litellm::add_sizes(&mut book, &wheels.litellm);

    let text = print(&book)?;
    std::fs::write(data.join("prices.json"), &text)?;
    std::fs::write(data.join("LICENSE.genai-prices"), &wheels.prices_licence)?;
    std::fs::write(data.join("LICENSE.litellm"), &wheels.litellm_licence)?;

    notes.iter().for_each(|note| println!("note: {note}"));
    litellm::disagreements(&book, &wheels.litellm).iter().for_each(|line| println!("disagree: {line}"));
    print!("{}", diff::summary(&old, &book));
    println!("{} bytes, {}", text.len(), if text == old_text { "unchanged" } else { "changed" });
    Ok(())
}

fn sources(wheels: &wheels::Wheels, retrieved: &str) -> Vec<Source> {
    let source = |of: &str, name: &str, version: &str| Source {
        of: of.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        retrieved: retrieved.to_owned(),
        licence: "MIT".to_owned(),
    };
    vec![
        source("prices, names, context windows", wheels::PRICES, &wheels.prices_version),
        source("most output tokens, missing context windows", wheels::LITELLM, &wheels.litellm_version),
    ]
}

fn parse_models(file: PriceFile<Box<RawValue>>) -> Result<Book> {
    let parse = |(id, entry): (String, ProviderEntry<Box<RawValue>>)| {
        // Through an owned value, so that nothing borrows from the text.
        let values: serde_json::Value = serde_json::from_str(entry.models.get())?;
        let models = serde_json::from_value::<Vec<json::OwnedModel>>(values)?;
        Ok((id, with_models(&entry, models.into_iter().map(|model| model.0).collect())))
    };
    Ok(Book { providers: file.providers.into_iter().map(parse).collect::<Result<_>>()?, sources: file.sources })
}

/// One line for each model, so that a review of a refresh reads like a list.
fn print(book: &Book) -> Result<String> {
    let mut providers = std::collections::BTreeMap::new();
    for (id, entry) in &book.providers {
        let lines = entry.models.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        let models = RawValue::from_string(format!("[\n{}\n]", lines.join(",\n")))?;
        providers.insert(id.clone(), with_models(entry, models));
    }
    let file = PriceFile { sources: book.sources.clone(), providers };
    Ok(serde_json::to_string(&file)? + "\n")
}

fn with_models<A, B>(entry: &ProviderEntry<A>, models: B) -> ProviderEntry<B> {
    ProviderEntry {
        called: entry.called.clone(),
        serves: entry.serves.clone(),
        falls_back_to: entry.falls_back_to.clone(),
        models,
    }
}
