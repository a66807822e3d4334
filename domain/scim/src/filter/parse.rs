//! The grammar of filters and of PATCH's paths, by recursive descent.

use serde_json::Number;

use super::{Filter, Literal, MAX_FILTER_BYTES, MAX_FILTER_DEPTH, Operator};
use crate::path::{AttributePath, Path, is_name, is_name_character};

/// Where a text stops being a filter, and what should be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Something else is expected.
    #[error("is wrong at character {at}: expected {expected}")]
    Expected {
        /// The character, the first being 1.
        at: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// Too many parentheses in each other.
    #[error("is wrong at character {at}: parentheses are more than {MAX_FILTER_DEPTH} deep")]
    TooDeep {
        /// The character, the first being 1.
        at: usize,
    },
    /// Too long a text.
    #[error("is too long: at most {MAX_FILTER_BYTES} bytes are read")]
    TooLong,
}

/// How deep the parser is, and whether in a value filter, which has no other in it.
#[derive(Clone, Copy)]
struct Nesting {
    depth: usize,
    in_element: bool,
}

/// Reads from the beginning of `rest`.
pub(crate) struct Parser<'t> {
    text: &'t str,
    rest: &'t str,
}

type Parsed<T> = Result<T, FilterError>;

impl<'t> Parser<'t> {
    pub(crate) const fn new(text: &'t str) -> Parsed<Self> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(FilterError::TooLong);
        }
        Ok(Self { text, rest: text })
    }

    /// All of the text, as a filter.
    pub(crate) fn filter(&mut self) -> Parsed<Filter> {
        let filter = self.any(Nesting { depth: 0, in_element: false })?;
        self.space();
        self.end()?;
        Ok(filter)
    }

    /// All of the text, as a path.
    pub(crate) fn path(&mut self) -> Parsed<Path> {
        let mut attribute = self.attribute()?;
        let mut filter = None;
        if attribute.sub.is_none() && self.eat('[') {
            filter = Some(self.element(0)?);
            if self.eat('.') {
                attribute.sub = Some(self.sub_attribute()?);
            }
        }
        self.end()?;
        Ok(Path { attribute, filter })
    }

    /// Terms between `or`.
    fn any(&mut self, nesting: Nesting) -> Parsed<Filter> {
        let first = self.all(nesting)?;
        let mut terms = vec![first];
        while self.keyword("or") {
            terms.push(self.all(nesting)?);
        }
        Ok(single(terms, Filter::Or))
    }

    /// Terms between `and`.
    fn all(&mut self, nesting: Nesting) -> Parsed<Filter> {
        let first = self.term(nesting)?;
        let mut terms = vec![first];
        while self.keyword("and") {
            terms.push(self.term(nesting)?);
        }
        Ok(single(terms, Filter::And))
    }

    fn term(&mut self, nesting: Nesting) -> Parsed<Filter> {
        self.space();
        if self.eat('(') {
            return self.group(nesting);
        }
        if self.negation() {
            return Ok(Filter::Not(Box::new(self.group(nesting)?)));
        }
        let path = self.attribute()?;
        if path.sub.is_some() || nesting.in_element || !self.eat('[') {
            return self.comparison(path);
        }
        let inner = self.element(nesting.depth)?;
        if !self.eat('.') {
            return Ok(Filter::Element(path, Box::new(inner)));
        }
        // `emails[type eq "work"].value eq "x"` is not in the grammar, but
        // Entra writes it where it means a value that is all of this.
        let name = self.sub_attribute()?;
        let sub = self.comparison(AttributePath { urn: None, name, sub: None })?;
        Ok(Filter::Element(path, Box::new(Filter::And(vec![inner, sub]))))
    }

    /// What stands after `(`, and `)`.
    fn group(&mut self, nesting: Nesting) -> Parsed<Filter> {
        let inner = self.deeper(nesting)?;
        self.expect(')', "`)`")?;
        Ok(inner)
    }

    /// What stands after `[`, and `]`.
    fn element(&mut self, depth: usize) -> Parsed<Filter> {
        let inner = self.deeper(Nesting { depth, in_element: true })?;
        self.expect(']', "`]`")?;
        Ok(inner)
    }

    fn deeper(&mut self, nesting: Nesting) -> Parsed<Filter> {
        if nesting.depth >= MAX_FILTER_DEPTH {
            return Err(FilterError::TooDeep { at: self.at() });
        }
        self.any(Nesting { depth: nesting.depth + 1, ..nesting })
    }

    /// The operator behind `path`, and what is compared with.
    fn comparison(&mut self, path: AttributePath) -> Parsed<Filter> {
        self.space();
        let before = self.rest;
        let word = self.word(|c| c.is_ascii_alphabetic());
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(operator) = Operator::ALL.into_iter().find(|known| word.eq_ignore_ascii_case(known.as_str())) else {
            self.rest = before;
            return Err(self.expected("an operator such as `eq`"));
        };
        self.space();
        Ok(Filter::Compare(path, operator, self.literal()?))
    }

    /// A JSON string or number, `true`, `false` or `null`.
    fn literal(&mut self) -> Parsed<Literal> {
        let before = self.rest;
        let read = if self.rest.starts_with('"') {
            serde_json::from_str(self.quoted()).ok().map(Literal::Text)
        } else {
            let word = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
            match word.to_ascii_lowercase().as_str() {
                "true" => Some(Literal::Boolean(true)),
                "false" => Some(Literal::Boolean(false)),
                "null" => Some(Literal::Null),
                _ => serde_json::from_str::<Number>(word).ok().map(|_| Literal::Number(word.to_owned())),
            }
        };
        read.ok_or_else(|| {
            self.rest = before;
            self.expected("a value: a text in double quotes, a number, `true`, `false` or `null`")
        })
    }

    /// From one quote to the next that is not escaped, both included.
    fn quoted(&mut self) -> &'t str {
        let mut escaped = false;
        let mut quotes = 0;
        let end = self.rest.char_indices().find(|(_, c)| {
            let quote = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            quotes += usize::from(quote);
            quotes == 2
        });
        self.take(end.map_or(self.rest.len(), |(at, _)| at + 1))
    }

    fn attribute(&mut self) -> Parsed<AttributePath> {
        let before = self.rest;
        let word = self.word(|c| is_name_character(c) || matches!(c, '$' | '.' | ':'));
        AttributePath::read(word).ok_or_else(|| {
            self.rest = before;
            self.expected("an attribute's name")
        })
    }

    fn sub_attribute(&mut self) -> Parsed<String> {
        let before = self.rest;
        let word = self.word(|c| is_name_character(c) || matches!(c, '$' | '.'));
        if is_name(word) {
            return Ok(word.to_owned());
        }
        self.rest = before;
        Err(self.expected("a sub-attribute's name"))
    }

    /// `not` and the parenthesis behind it.
    fn negation(&mut self) -> bool {
        let before = self.rest;
        let is_one = self.word(is_name_character).eq_ignore_ascii_case("not") && {
            self.space();
            self.eat('(')
        };
        if !is_one {
            self.rest = before;
        }
        is_one
    }

    /// Whether the next word is this one, which is then read.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        self.space();
        let is_one = self.word(is_name_character).eq_ignore_ascii_case(keyword);
        if !is_one {
            self.rest = before;
        }
        is_one
    }

    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// The next `bytes`, which end between characters.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn eat(&mut self, character: char) -> bool {
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, character: char, expected: &'static str) -> Parsed<()> {
        self.space();
        if self.eat(character) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn end(&self) -> Parsed<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// Where the parser is: the character, the first being 1.
    fn at(&self) -> usize {
        1 + self.text.chars().count() - self.rest.chars().count()
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        FilterError::Expected { at: self.at(), expected }
    }
}

/// The only term, or all of them.
fn single(mut terms: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        Some(last) => {
            terms.push(last);
            join(terms)
        }
        None => join(terms),
    }
}
