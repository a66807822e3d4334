//! Text of people on its way into a channel: cleaned, escaped, and cut to
//! length without cutting an escape.

/// What stands where text was cut off.
const ELLIPSIS: char = '…';
/// Invisible, breaks no line, and is part of no link or mention (in Telegram's
/// own parser, `is_url_unicode_symbol`, it ends them).
pub(crate) const JOINER: char = '\u{2060}';

/// How long a text is, in UTF-16 code units: most channels mean these by
/// characters, and others mean fewer.
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A character and what stands around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) before: Option<char>,
    pub(crate) it: char,
    pub(crate) after: Option<char>,
}

impl At {
    /// Whether a line begins here.
    pub(crate) fn begins_line(self) -> bool {
        matches!(self.before, None | Some('\n'))
    }

    /// Whether it stands inside of a number, a time or a date.
    pub(crate) fn is_inside_number(self) -> bool {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        digit(self.before) && digit(self.after)
    }

    /// Whether it stands inside of a word that everybody takes for one: in
    /// other scripts readers differ on what a word is.
    pub(crate) fn is_inside_word(self) -> bool {
        let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        word(self.before) && word(self.after)
    }
}

/// Writes a character so that the channel shows it and does nothing with it.
pub(crate) type Escape = fn(At, &mut String);

/// For channels and fields that show text as it is.
pub(crate) fn verbatim(at: At, out: &mut String) {
    out.push(at.it);
}

/// For readers that make links and mentions out of plain text and have no
/// escape for it: a [`JOINER`] behind what begins them or holds them together
/// (`https:`, `evil.example`, `@ada`, `#tag`, `/start`). Numbers, times and
/// dates stay as they are.
pub(crate) fn unlinked(at: At, out: &mut String) {
    out.push(at.it);
    let joins = match at.it {
        '@' | '#' | '$' => true,
        '.' | ':' | '/' => !at.is_inside_number(),
        _ => false,
    };
    if joins && at.after.is_some_and(|next| !next.is_whitespace()) {
        out.push(JOINER);
    }
}

/// Text of people without what no channel shows and some trip over: control
/// characters, and those that turn the direction of what follows around, so
/// that a name cannot rearrange the sentence that it stands in. Lines end in
/// `\n`, and no more than one is left empty.
pub(crate) fn paragraph(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\n', '\u{85}', '\u{2028}', '\u{2029}']) {
        let shown = line.chars().filter(|&c| !turns_around(c));
        let line: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.trim();
        if !line.is_empty() || !(out.is_empty() || out.ends_with("\n\n")) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The same in one line, for titles, names and buttons. Where nothing is left
/// there is a dash: channels refuse whole messages for one empty field.
pub(crate) fn line(text: &str) -> String {
    let text = paragraph(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { "–".to_owned() } else { words.join(" ") }
}

/// Unicode's embeddings, overrides and isolates (UAX 9, 2.1 to 2.4), and the
/// mark that some take for the beginning of a text.
const fn turns_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text, escaped, of at most that [`length`]. If it is too long it ends in
/// `…`, and neither a character nor an escape is cut in two.
pub(crate) fn fit(text: &str, limit: usize, escape: Escape) -> String {
    let mut out = String::with_capacity(text.len());
    let room = |used: usize| limit.saturating_sub(used);
    let ellipsis = ELLIPSIS.len_utf16();
    // How much is used, and the last place behind which an ellipsis fits.
    let (mut used, mut cut) = (0, 0);
    let mut before = None;
    let mut rest = text.chars();
    while let Some(it) = rest.next() {
        let from = out.len();
        escape(At { before, it, after: rest.clone().next() }, &mut out);
        let added = out.get(from..).map_or(0, length);
        if added > room(used) {
            out.truncate(cut);
            out.truncate(out.trim_end().len());
            if ellipsis <= limit {
                out.push(ELLIPSIS);
            }
            return out;
        }
        used += added;
        if ellipsis <= room(used) {
            cut = out.len();
        }
        before = Some(it);
    }
    out
}

/// Pieces of text, one after the other, into a whole of limited length.
pub(crate) struct Page {
    text: String,
    left: usize,
}

impl Page {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { text: String::new(), left: limit }
    }

    /// Appends `text` between `open` and `close`, shortened to what is left;
    /// nothing if there is no room for some of it.
    pub(crate) fn add(&mut self, open: &str, text: &str, close: &str, escape: Escape) {
        let frame = length(open) + length(close);
        // A dozen: below that it would be half a word.
        if frame + 12 <= self.left && !text.is_empty() {
            let piece = [open, &fit(text, self.left - frame, escape), close].concat();
            self.put(&piece);
        }
    }

    /// Appends `text` as it is, or nothing.
    pub(crate) fn add_whole(&mut self, text: &str) {
        if length(text) <= self.left {
            self.put(text);
        }
    }

    /// Keeps room for an end that is as long as `text`, if there is any.
    pub(crate) fn reserve(&mut self, text: &str) -> bool {
        let rest = self.left.checked_sub(length(text));
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    fn put(&mut self, piece: &str) {
        self.left = self.left.saturating_sub(length(piece));
        self.text.push_str(piece);
    }

    /// The whole, without white space at its end.
    pub(crate) fn finish(self) -> String {
        self.finish_with("")
    }

    /// The whole with the end for which room was kept.
    pub(crate) fn finish_with(mut self, end: &str) -> String {
        self.text.push_str(end);
        self.text.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doubled(at: At, out: &mut String) {
        out.extend([at.it, at.it]);
    }

    #[test]
    fn cuts_between_characters_and_escapes() {
        for (text, limit, escape, expected) in [
            ("abc", 3, verbatim as Escape, "abc"),
            ("abcd", 3, verbatim, "ab…"),
            ("ab cd", 4, verbatim, "ab…"),
            ("😀😀", 4, verbatim, "😀😀"),
            ("😀😀", 3, verbatim, "😀…"),
            ("abc", 5, doubled, "aabb…"),
            ("abc", 4, doubled, "aa…"),
            ("abc", 0, verbatim, ""),
            ("", 0, verbatim, ""),
        ] {
            assert_eq!(fit(text, limit, escape), expected, "{text} in {limit}");
        }
    }

    #[test]
    fn nothing_of_people_becomes_a_link_or_a_mention() {
        for (text, expected) in [
            ("see https://evil.example/x", "see https:~/~/~evil.~example/~x"),
            ("write to ada@acme.example.", "write to ada@~acme.~example."),
            ("@ada #tag /start $USD", "@~ada #~tag /~start $~USD"),
            ("1.250,50 credits: 12.5. And.", "1.250,50 credits: 12.5. And."),
            ("1.example", "1.~example"),
            ("on 24/12/2026 at 16:42", "on 24/12/2026 at 16:42"),
            ("10 / 20", "10 / 20"),
        ] {
            let made = fit(text, 1000, unlinked);
            assert_eq!(made.replace(JOINER, "~"), expected);
        }
    }

    #[test]
    fn lines_and_paragraphs_are_clean() {
        for (text, expected) in [
            ("  a\r\nb\tc \u{0} ", "a\nb c"),
            ("a\n\n\n\n b", "a\n\nb"),
            ("\n\n", ""),
            ("a\u{202e}b\u{2066}c\u{feff}\u{2028}d\u{7f}e", "abc\nd e"),
        ] {
            assert_eq!(paragraph(text), expected, "{text:?}");
        }
        assert_eq!(line(" a\n\n b\u{a0}c "), "a b c");
        assert_eq!(line("\u{202e}\n"), "–");
    }

    #[test]
    fn a_page_takes_what_fits() {
        let mut page = Page::new(40);
        page.add("<b>", "a title that is long", "</b>\n", verbatim);
        page.add("", &"x".repeat(50), "\n", verbatim);
        page.add_whole("https://alfred.example");
        assert_eq!(page.finish(), "<b>a title that is long</b>");

        let mut page = Page::new(20);
        page.add("", &"x".repeat(50), "\n", verbatim);
        assert_eq!(page.finish(), format!("{}…", "x".repeat(18)));
    }

    proptest! {
        #[test]
        fn never_longer_and_never_altered(text: String, limit in 0usize..60) {
            let made = fit(&text, limit, verbatim);
            prop_assert!(length(&made) <= limit);
            let kept = made.strip_suffix('…').unwrap_or(&made);
            prop_assert!(made == text || text.starts_with(kept));
            prop_assert!(made == text || length(&text) > limit);
        }

        #[test]
        fn clean_text_is_clean(text: String) {
            let paragraph = paragraph(&text);
            prop_assert!(paragraph.chars().all(|c| c == '\n' || !c.is_control() && !turns_around(c)));
            prop_assert!(!paragraph.contains("\n\n\n") && paragraph.trim() == paragraph);
            let line = line(&text);
            prop_assert!(!line.is_empty() && !line.contains('\n') && line.trim() == line);
        }

        #[test]
        fn unlinked_text_reads_the_same(text: String) {
            let text = text.replace(JOINER, "");
            let made = fit(&text, usize::MAX, unlinked);
            prop_assert_eq!(made.replace(JOINER, ""), text);
        }
    }
}
