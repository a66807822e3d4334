//! The demo models' tokenizer and their words.

/// Cuts a text into tokens: each is at most four bytes, within one word; the
/// space before a word belongs to the word's first token. So a token is at
/// least a byte, and a character of more than four bytes does not exist.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = 0;
        for (place, letter) in rest.char_indices() {
            let next = place + letter.len_utf8();
            if next > 4 || (place > 0 && letter.is_whitespace()) {
                break;
            }
            end = next;
        }
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// How many tokens a text has for the demo models.
#[must_use]
pub fn tokens(text: &str) -> u64 {
    pieces(text).count() as u64
}

/// What an answer is filled up with: a token each, also when they are read
/// in a row. An answer does not begin with the last, which would become one
/// with the word before it.
const FILLERS: [&str; 16] = [
    " one", " two", " and", " so", " on", " it", " is", " all", " for", " you", " to", " try", " at", " no", " fee",
    ".",
];

/// The endless rest of an answer, not the same for each choice.
pub(crate) fn filler<'w>(choice: u64) -> impl Iterator<Item = &'w str> {
    let start = usize::try_from(choice.wrapping_mul(4) % 15).unwrap_or(0);
    FILLERS.into_iter().cycle().skip(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (text, expected) in [
            ("", &[][..]),
            ("hi", &["hi"]),
            ("Hello world", &["Hell", "o", " wor", "ld"]),
            ("a  b", &["a", " ", " b"]),
            ("日本語", &["日", "本", "語"]),
            ("😀é", &["😀", "é"]),
        ] {
            assert_eq!(pieces(text).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_filler_is_a_token() {
        assert!(FILLERS.iter().all(|word| tokens(word) == 1));
    }

    #[test]
    fn fillers_do_not_grow_together() {
        for choice in 0..20 {
            let text: String = std::iter::once("model.").chain(filler(choice).take(40)).collect();
            assert_eq!(tokens(&text), 2 + 40, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_never_more_than_bytes(text: String) {
            prop_assert_eq!(pieces(&text).collect::<String>(), text.clone());
            prop_assert!(tokens(&text) <= text.len() as u64);
        }
    }
}
