//! Content lines (RFC 5545, 3.1).

use std::borrow::Cow;

use crate::error::shown;

/// `NAME;PARAMETER=value:value`, unfolded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it begins, counted from 1.
    pub(crate) number: usize,
    /// In upper case.
    pub(crate) name: String,
    /// Names in upper case, values without their quotes.
    pub(crate) parameters: Vec<(String, String)>,
    /// As it is on the line.
    pub(crate) value: String,
}

impl Line {
    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Puts folded lines together. Octets are joined before they become text, for
/// some programs fold in the middle of a character. Empty lines are none.
pub(crate) fn unfolded(bytes: &[u8]) -> impl Iterator<Item = (usize, Cow<'_, [u8]>)> {
    let mut physical = (1..).zip(bytes.split(|&byte| byte == b'\n')).peekable();
    std::iter::from_fn(move || {
        loop {
            let (number, first) = physical.next()?;
            let mut line = Cow::Borrowed(without_return(first));
            while let Some((_, more)) = physical.next_if(|(_, next)| matches!(next.first(), Some(b' ' | b'\t'))) {
                line.to_mut().extend_from_slice(without_return(more.get(1..).unwrap_or_default()));
            }
            if !line.trim_ascii().is_empty() {
                return Some((number, line));
            }
        }
    })
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The name of a line, if it can be one.
pub(crate) fn name(line: &[u8]) -> Option<&[u8]> {
    let end = line.iter().position(|byte| matches!(byte, b':' | b';'))?;
    let name = line.get(..end)?;
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!name.is_empty() && name.iter().all(good)).then_some(name)
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(number: usize, line: &[u8]) -> Result<Line, String> {
    let text = String::from_utf8_lossy(line);
    let bad = |why: &str| format!("`{}` is no line of an iCalendar: {why}", shown(&text));
    let name = name(line).ok_or_else(|| bad("expected `NAME:value`"))?;
    let mut rest = text.get(name.len()..).unwrap_or_default();
    let mut parameters = Vec::new();
    while let Some(parameter) = rest.strip_prefix(';') {
        let (name, after) = parameter.split_once('=').ok_or_else(|| bad("a parameter has no value"))?;
        let (value, after) = parameter_value(after).ok_or_else(|| bad("a quote or the value is missing"))?;
        parameters.push((name.to_ascii_uppercase(), value));
        rest = after;
    }
    let value = rest.strip_prefix(':').ok_or_else(|| bad("the value is missing"))?;
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    Ok(Line { number, name, parameters, value: value.to_owned() })
}

/// The value, or the list of values, of a parameter without quotes, and what
/// comes after it. Between quotes everything but a quote is text.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let mut quoted = false;
    let end = text.find(|character| {
        quoted ^= character == '"';
        !quoted && matches!(character, ';' | ':')
    })?;
    Some((text.get(..end)?.replace('"', ""), text.get(end..)?))
}

/// Text without its escapes (RFC 5545, 3.3.11), cut into the parts between
/// commas.
pub(crate) fn texts(value: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        let plain = match character {
            ',' => {
                texts.push(String::new());
                continue;
            }
            '\\' => match characters.next() {
                Some('n' | 'N') => '\n',
                Some(escaped) => escaped,
                None => '\\',
            },
            plain => plain,
        };
        if let Some(last) = texts.last_mut() {
            last.push(plain);
        }
    }
    texts
}

/// Text without its escapes. A comma that should have been escaped stays.
pub(crate) fn text(value: &str) -> String {
    texts(value).join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_one() {
        let bytes = "A:1\r\n 2\r\n\t3\r\n\r\nB:ü\nC:\r\n  x\n\n".as_bytes();
        let lines: Vec<_> = unfolded(bytes).map(|(n, line)| (n, String::from_utf8_lossy(&line).into_owned())).collect();
        assert_eq!(lines, [(1, "A:123".to_owned()), (5, "B:ü".to_owned()), (6, "C: x".to_owned())]);
        // Folded in the middle of `ü`.
        let [(1, line)] = &unfolded(b"A:\xc3\r\n \xbc").collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(read(1, line).unwrap().value, "ü");
        assert_eq!(unfolded(b"").count(), 0);
    }

    #[test]
    fn parameters_and_quotes() {
        let line = read(7, b"dtstart;tzid=\"(UTC+01:00) A; B, C\";VALUE=DATE-TIME;X=a,\"b:c\":2025:x").unwrap();
        assert_eq!((line.number, line.name.as_str(), line.value.as_str()), (7, "DTSTART", "2025:x"));
        assert_eq!(line.parameter("TZID"), Some("(UTC+01:00) A; B, C"));
        assert_eq!(line.parameter("VALUE"), Some("DATE-TIME"));
        assert_eq!(line.parameter("X"), Some("a,b:c"));
        assert_eq!(line.parameter("Y"), None);
        assert_eq!(read(1, b"X-A:").unwrap().value, "");
        // Not text, but where it stands nothing depends on it.
        assert_eq!(read(1, b"A:\xff").unwrap().value, "\u{fffd}");
    }

    #[test]
    fn what_is_no_line() {
        for (line, why) in [
            ("see you there", "expected `NAME:value`"),
            ("see you there: ten", "expected `NAME:value`"),
            (":x", "expected `NAME:value`"),
            ("A", "expected `NAME:value`"),
            ("A;B:x", "a parameter has no value"),
            ("A;B=\"x:y", "a quote or the value is missing"),
            ("A;B=x", "a quote or the value is missing"),
        ] {
            let expected = format!("`{line}` is no line of an iCalendar: {why}");
            assert_eq!(read(1, line.as_bytes()), Err(expected));
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(text(r"a\, b\; c\\ d\ne\N, f"), "a, b; c\\ d\ne\n, f");
        assert_eq!(texts(r"A,B\,C,"), ["A", "B,C", ""]);
        assert_eq!(text("a\\"), "a\\");
    }
}
