//! Which events are absences, and whose.

use serde::{Deserialize, Serialize};

/// Longer lists and words are mistakes.
const MAX_WORDS: usize = 100;
/// In bytes.
const MAX_WORD: usize = 100;

/// Which events of a calendar are absences, and whose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Which events count.
    pub events: Events,
    /// Words that mark an event as an absence if its title or one of its
    /// categories has them: whole ones, or with `*` in front or behind parts
    /// of longer ones (`*urlaub` is in `Sommerurlaub`). Case, hyphens and other
    /// signs do not matter.
    pub words: Vec<String>,
    /// Whether words mark events that leave the time free, too (`TRANSP`,
    /// Outlook's `FREE`). Programs make whole days so unless told otherwise,
    /// but they stand for other people's absences as well.
    pub free: bool,
    /// Who is away.
    pub whose: Whose,
}

/// Which events count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Events {
    /// Those that Outlook calls out of office, and those with one of the words.
    /// What Google calls so has only its title in the feeds that it publishes.
    #[default]
    Marked,
    /// All of them: the calendar has nothing but absences.
    All,
}

/// Who is away, by the events of a calendar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The one person whose calendar it is: absences name nobody.
    #[default]
    Owner,
    /// Each event's organizer: a calendar of several people.
    Organizer,
    /// All that an event invites and that have not declined.
    Attendees,
}

impl Whose {
    /// The property that says so.
    pub(crate) const fn property(self) -> Option<&'static str> {
        match self {
            Self::Owner => None,
            Self::Organizer => Some("ORGANIZER"),
            Self::Attendees => Some("ATTENDEE"),
        }
    }
}

/// A rule that cannot be meant so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It would match everything, nothing, or a part nobody expects.
    #[error("`{0}` cannot mark absences: use a word of letters or digits, with `*` only in front or behind")]
    Word(String),
    /// There are too many, or one is too long.
    #[error("a rule has at most {MAX_WORDS} words, of at most {MAX_WORD} bytes each")]
    TooMany,
}

impl Default for Rule {
    fn default() -> Self {
        let words = [
            "out of office",
            "ooo",
            "oof",
            "on leave",
            "leaves",
            "annual leave",
            "parental leave",
            "sick leave",
            "pto",
            "vacation",
            "on holiday",
            "abwesend",
            "*urlaub",
            "elternzeit",
            "krank",
            "vacances",
            "congé",
            "congés",
            "vacaciones",
            "ferie",
            "férias",
            "vakantie",
            "afwezig",
            "urlop",
            "*休暇*",
            "*休假*",
            "*휴가*",
        ];
        Self { events: Events::Marked, words: words.map(str::to_owned).into(), free: false, whose: Whose::Owner }
    }
}

impl Rule {
    /// Checks what somebody typed.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn check(&self) -> Result<(), RuleError> {
        if self.words.len() > MAX_WORDS || self.words.iter().any(|word| word.len() > MAX_WORD) {
            return Err(RuleError::TooMany);
        }
        match self.words.iter().find(|word| Pattern::new(word).is_none()) {
            Some(word) => Err(RuleError::Word(word.clone())),
            None => Ok(()),
        }
    }

    /// The words, ready to be looked for.
    pub(crate) fn patterns(&self) -> Vec<Pattern> {
        self.words.iter().filter_map(|word| Pattern::new(word)).collect()
    }
}

/// A word, with blanks where words of a text must begin and end.
#[derive(Debug)]
pub(crate) struct Pattern(String);

impl Pattern {
    fn new(word: &str) -> Option<Self> {
        let word = word.trim();
        let front = word.strip_prefix('*');
        let back = front.unwrap_or(word).strip_suffix('*');
        let bare = back.or(front).unwrap_or(word);
        let plain = plain(bare);
        if plain.trim().is_empty() || bare.contains('*') {
            return None;
        }
        let open = if front.is_some() { plain.trim_start() } else { &plain };
        Some(Self(if back.is_some() { open.trim_end() } else { open }.to_owned()))
    }

    /// Whether the text has the word; `text` is [`plain`].
    pub(crate) fn is_in(&self, text: &str) -> bool {
        text.contains(&self.0)
    }
}

/// Lower case, with one blank for whatever is no letter or digit, and around
/// the whole.
pub(crate) fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |text, word| text + word + " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(words: &[&str], text: &str) -> bool {
        let rule = Rule { words: words.iter().map(|&word| word.to_owned()).collect(), ..Rule::default() };
        assert_eq!(rule.check(), Ok(()));
        rule.patterns().iter().any(|pattern| pattern.is_in(&plain(text)))
    }

    #[test]
    fn words_are_whole_ones() {
        for (word, text, expected) in [
            ("ooo", "OOO", true),
            ("ooo", "[OOO] Ada", true),
            ("ooo", "Ada: ooo!", true),
            ("ooo", "Brooooooklyn", false),
            ("out of office", "Out-of-Office until Monday", true),
            ("out of office", "out  of\noffice", true),
            ("out of office", "out of offices", false),
            ("Out-Of-Office", "out of office", true),
            ("urlaub", "Sommerurlaub", false),
            ("*urlaub", "Sommerurlaub", true),
            ("*urlaub", "Urlaub", true),
            ("*urlaub", "Urlaubsplanung", false),
            ("urlaub*", "Urlaubsplanung", true),
            ("urlaub*", "Sommerurlaub", false),
            ("*urlaub*", "Sommerurlaubsplanung", true),
            ("CONGÉ", "congé", true),
            ("*休暇*", "夏季休暇中", true),
            ("ooo", "", false),
        ] {
            assert_eq!(has(&[word], text), expected, "{word} in {text}");
        }
    }

    #[test]
    fn the_default_knows_the_usual_ones() {
        assert_eq!(Rule::default().check(), Ok(()));
        let patterns = Rule::default().patterns();
        assert_eq!(patterns.len(), Rule::default().words.len());
        let marked = |text| patterns.iter().any(|pattern| pattern.is_in(&plain(text)));
        for text in
            ["Out of office", "Ada OOO", "Vacation 🌴", "Jahresurlaub", "Congés d'été", "On holiday", "夏季休暇"]
        {
            assert!(marked(text), "{text}");
        }
        for text in ["Weekly", "Urlaubsplanung", "Holiday party", "Opto-electronics", "Cooool"] {
            assert!(!marked(text), "{text}");
        }
    }

    #[test]
    fn words_that_would_match_something_else_are_refused() {
        for word in ["", " ", "*", "**", "a*b", "!", "*-*", "**a"] {
            let rule = Rule { words: vec!["ooo".to_owned(), word.to_owned()], ..Rule::default() };
            assert_eq!(rule.check(), Err(RuleError::Word(word.to_owned())));
        }
        for words in [vec!["a".to_owned(); 101], vec!["a".repeat(101)]] {
            assert_eq!(Rule { words, ..Rule::default() }.check(), Err(RuleError::TooMany));
        }
    }

    #[test]
    fn stored_form_is_pinned() {
        // Rules are in configurations: what is left out has its default.
        assert_eq!(serde_json::from_str::<Rule>("{}").unwrap(), Rule::default());
        let json = r#"{"events":"all","words":["a"],"free":true,"whose":"organizer"}"#;
        let rule = Rule { events: Events::All, words: vec!["a".to_owned()], free: true, whose: Whose::Organizer };
        assert_eq!(serde_json::to_string(&rule).unwrap(), json);
        assert_eq!(serde_json::from_str::<Rule>(json).unwrap(), rule);
        assert!(serde_json::from_str::<Rule>(r#"{"word":[]}"#).is_err());
    }
}
