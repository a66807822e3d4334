//! Why a document cannot be read at all.

/// Why a document cannot be read at all. What is wrong with one absence of
/// many is in [`Skipped`](crate::Skipped) instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The caller asks about no time.
    #[error(
        "the window from {from_ms} until {until_ms} is empty, or outside of the calendar: both are milliseconds since 1970"
    )]
    Window {
        /// Its begin.
        from_ms: i64,
        /// Its end.
        until_ms: i64,
    },
    /// It is longer than anything that is read.
    #[error("the document has more than {most} bytes: publish a calendar that reaches back less far")]
    TooLarge {
        /// How many it may have.
        most: usize,
    },
    /// There are too many of something.
    #[error("the document has more than {most} {what}: publish a calendar of fewer people or less time")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Something else came instead of a calendar.
    #[error(
        "this is no iCalendar: it begins with `{found}`, not with `BEGIN:VCALENDAR`; \
         check that the address is the calendar's own (ICS), not a page that shows it"
    )]
    NotACalendar {
        /// How it begins.
        found: String,
    },
    /// A line does not belong where it is.
    #[error("line {line}: {reason}")]
    Line {
        /// Which, counted from 1 as in the file.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// It is not JSON, or not of the form that the source documents.
    #[error("the answer is not the JSON that was expected: {0}")]
    Json(String),
    /// What the mapping points at is not what it should be.
    #[error("there is no list at `{pointer}` of the answer, but {found}: check `items` of the mapping")]
    NoList {
        /// Where.
        pointer: String,
        /// What is there.
        found: &'static str,
    },
}

/// Text from outside that people will see: printable, and at most 200
/// characters.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}
