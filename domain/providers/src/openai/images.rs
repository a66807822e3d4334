//! What pictures cost in tokens, by OpenAI's published rules
//! (developers.openai.com, "Images and vision", read in 2026).
//!
//! *Tiles*: the picture is scaled into 2048 x 2048 and its shorter side down
//! to 768, then covered with 512 x 512 tiles: at most 2 x 4 = 8. It costs a
//! base, and so much per tile. With low detail it costs the base alone.
//!
//! *Patches*: the picture is covered with 32 x 32 patches, scaled down where
//! that takes more than the model's budget. Each patch costs one token times
//! the model's factor. Low detail makes no reliable difference.
//!
//! The size of a picture is not looked at (it may be behind a URL), so each
//! picture counts as the largest one. Where people measured another factor
//! than the published one, the greater of the two stands here.

use super::measure::members;

/// How many pictures are asked for at which detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ImageCount {
    low: u64,
    high: u64,
    /// `auto`, `original`, something else, or nothing.
    any: u64,
}

impl ImageCount {
    /// Counts the picture in the value of `image_url`: an object with `url`
    /// and `detail`, or the URL itself.
    pub(crate) fn add(&mut self, image: &str) {
        let (mut detail, mut details) = (None, 0);
        members(image, |key, value| {
            if key == "detail" {
                detail = Some(value);
                details += 1;
            }
        });
        // Said twice, it could mean either.
        match detail {
            Some("\"low\"") if details == 1 => self.low += 1,
            Some("\"high\"") if details == 1 => self.high += 1,
            _ => self.any += 1,
        }
    }

    /// The most tokens that the pictures cost with `model`.
    pub(crate) fn tokens(self, model: &str) -> u64 {
        let rule = rule(model);
        let sum = |low: u64, high: u64, any: u64| {
            let low = self.low.saturating_mul(low);
            low.saturating_add(self.high.saturating_mul(high)).saturating_add(self.any.saturating_mul(any))
        };
        match rule {
            Rule::Tiles { base, tile } => {
                let all = base + tile * MAX_TILES;
                sum(base, all, all)
            }
            Rule::Patches { high, original, factor } => {
                let high = (high * factor).div_ceil(100);
                sum(high, high, (original * factor).div_ceil(100))
            }
            Rule::Unknown => sum(UNKNOWN, UNKNOWN, UNKNOWN),
        }
    }

    /// What such pictures usually cost: 1024 x 1024, four tiles or 1024
    /// patches. For estimates.
    pub(crate) fn likely_tokens(self, model: &str) -> u64 {
        let each = match rule(model) {
            Rule::Tiles { base, tile } => base + tile * 4,
            Rule::Patches { factor, .. } => (1024 * factor).div_ceil(100),
            Rule::Unknown => 1024,
        };
        self.count().saturating_mul(each).min(self.tokens(model))
    }

    /// How many there are.
    pub(crate) const fn count(self) -> u64 {
        self.low.saturating_add(self.high).saturating_add(self.any)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Tiles {
        base: u64,
        tile: u64,
    },
    Patches {
        /// Budget with high (or low) detail.
        high: u64,
        /// Budget with `original` and `auto`.
        original: u64,
        /// In hundredths.
        factor: u64,
    },
    Unknown,
}

/// 2048 / 512 by 768 / 512, rounded up.
const MAX_TILES: u64 = 4 * 2;

/// For a model that is not in the table, the dearest rule of them all:
/// gpt-4o-mini's 2833 + 8 x 5667.
const UNKNOWN: u64 = 2833 + MAX_TILES * 5667;

const fn tiles(base: u64, tile: u64) -> Rule {
    Rule::Tiles { base, tile }
}

const fn patches(high: u64, original: u64, factor: u64) -> Rule {
    Rule::Patches { high, original, factor }
}

/// The longest prefix that ends at the end of the name or before a `-` wins.
const RULES: &[(&str, Rule)] = &[
    ("gpt-4o", tiles(85, 170)),
    ("chatgpt-4o-latest", tiles(85, 170)),
    ("gpt-4o-mini", tiles(2833, 5667)),
    ("gpt-4-turbo", tiles(85, 170)),
    ("gpt-4-vision-preview", tiles(85, 170)),
    ("gpt-4.5-preview", tiles(85, 170)),
    ("gpt-4.1", tiles(85, 170)),
    ("gpt-4.1-mini", patches(1536, 1536, 162)),
    ("gpt-4.1-nano", patches(1536, 1536, 246)),
    ("o1", tiles(75, 150)),
    ("o3", tiles(75, 150)),
    ("o4-mini", patches(1536, 1536, 172)),
    ("computer-use-preview", tiles(65, 129)),
    ("gpt-5", tiles(70, 140)),
    ("gpt-5-mini", patches(1536, 1536, 162)),
    ("gpt-5-nano", patches(1536, 1536, 246)),
    ("gpt-5.2", patches(1536, 1536, 120)),
    // From here on `original` sees up to 10,000 patches, `high` 2,500.
    ("gpt-5.4", patches(2500, 10_000, 120)),
    ("gpt-5.4-mini", patches(2500, 2500, 162)),
    ("gpt-5.4-nano", patches(2500, 2500, 246)),
    ("gpt-5.5", patches(2500, 10_000, 120)),
];

fn rule(model: &str) -> Rule {
    let name = bare_name(model);
    RULES
        .iter()
        .filter(|(prefix, _)| name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
        .max_by_key(|(prefix, _)| prefix.len())
        .map_or(Rule::Unknown, |(_, rule)| *rule)
}

/// A model's name without what routers and fine-tuning put around it:
/// `openai/gpt-4o`, `ft:gpt-4o-2024-08-06:acme::id`.
pub(crate) fn bare_name(model: &str) -> &str {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    name.split(':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (model, image, tokens) in [
            ("gpt-4o", r#"{"url":"https://a/b.png","detail":"low"}"#, 85),
            ("gpt-4o-2024-11-20", r#"{"url":"https://a/b.png","detail":"high"}"#, 85 + 8 * 170),
            ("gpt-4o", r#"{"url":"https://a/b.png"}"#, 1445),
            ("gpt-4o", r#""https://a/b.png""#, 1445),
            ("gpt-4o", r#"{"detail":"low","url":"x","detail":"high"}"#, 1445),
            ("gpt-4o", r#"{"detail":"low","url":"x","detail":"low"}"#, 1445),
            ("gpt-4o-mini", r#"{"url":"x","detail":"low"}"#, 2833),
            ("gpt-4o-mini-2024-07-18", r#"{"url":"x"}"#, 48_169),
            ("openai/gpt-4.1-mini", r#"{"url":"x","detail":"low"}"#, 2489),
            ("ft:gpt-4.1-nano-2025-04-14:acme::x", r#"{"url":"x"}"#, 3779),
            ("o4-mini", r#"{"url":"x"}"#, 2642),
            ("o3", r#"{"url":"x"}"#, 75 + 8 * 150),
            ("gpt-5", r#"{"url":"x"}"#, 70 + 8 * 140),
            ("gpt-5-nano", r#"{"url":"x"}"#, 3779),
            ("gpt-5.4", r#"{"url":"x","detail":"high"}"#, 3000),
            ("gpt-5.4-2026-03-05", r#"{"url":"x","detail":"original"}"#, 12_000),
            ("gpt-4oo", r#"{"url":"x"}"#, 48_169),
            ("somebody/elses-model", r#"{"url":"x","detail":"low"}"#, 48_169),
        ] {
            let mut images = ImageCount::default();
            images.add(image);
            assert_eq!(images.tokens(model), tokens, "{model} {image}");
            assert!(images.likely_tokens(model) <= tokens, "{model} {image}");
        }
    }

    #[test]
    fn unknown_is_the_dearest() {
        let mut images = ImageCount::default();
        images.add("\"x\"");
        for (name, _) in RULES {
            assert!(images.tokens(name) <= images.tokens("unknown"), "{name}");
        }
    }
}
