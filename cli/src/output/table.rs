//! Tables of aligned columns.

use unicode_width::UnicodeWidthStr;

/// Between two columns.
const GAP: &str = "  ";

/// Rows under their headers; columns of numbers are flush right.
pub(crate) fn table(headers: &[(String, bool)], rows: &[Vec<String>]) -> String {
    let width = |place: usize, header: &str| {
        let cells = rows.iter().filter_map(|row| row.get(place));
        cells.map(|cell| cell.width()).chain([header.width()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = headers.iter().enumerate().map(|(place, (header, _))| width(place, header)).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for ((cell, width), (_, right)) in cells.zip(&widths).zip(headers) {
            let space = " ".repeat(width.saturating_sub(cell.width()));
            let (before, after) = if *right { (space, String::new()) } else { (String::new(), space) };
            line.push_str(&format!("{before}{cell}{after}{GAP}"));
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(&mut headers.iter().map(|(header, _)| header.as_str()));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    text
}

/// A text as it may go to a terminal: others wrote it, and it must not move
/// the cursor or change the colors.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned() {
        let headers = [("NAME".to_owned(), false), ("BALANCE".to_owned(), true), ("NOTE".to_owned(), false)];
        let rows = [["Ada", "12.5", "-"], ["Åsa 表", "1000000", "x"]].map(|row| row.map(str::to_owned).to_vec());
        insta::assert_snapshot!(table(&headers, &rows), @r"
        NAME    BALANCE  NOTE
        Ada        12.5  -
        Åsa 表  1000000  x
        ");
        assert_eq!(table(&headers[..1], &[]), "NAME\n");
    }

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}c");
    }
}
