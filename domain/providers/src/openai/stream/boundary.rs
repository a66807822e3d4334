//! Finds where frames of server-sent events end.

/// Remembers, across chunks, where in a line the stream is.
///
/// A frame ends with an empty line; a line ends with LF, CR LF or CR. After a
/// CR the next byte decides whether a LF still belongs to it, so a frame that
/// ends with CR ends when the next byte is known.
#[derive(Debug)]
pub(super) struct Boundary {
    line_is_empty: bool,
    /// The last byte was a CR…
    after_cr: bool,
    /// … that ended an empty line.
    ends_frame: bool,
}

impl Default for Boundary {
    fn default() -> Self {
        Self { line_is_empty: true, after_cr: false, ends_frame: false }
    }
}

impl Boundary {
    /// How many of `bytes` belong to the frame that ends in them; `None` when
    /// it ends later. May be none of them, see above.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        for (place, byte) in bytes.iter().enumerate() {
            if std::mem::take(&mut self.after_cr) {
                let ends_frame = std::mem::take(&mut self.ends_frame);
                let is_lf = *byte == b'\n';
                if ends_frame {
                    self.line_is_empty = true;
                    return Some(place + usize::from(is_lf));
                }
                if is_lf {
                    continue;
                }
            }
            match byte {
                b'\n' if self.line_is_empty => return Some(place + 1),
                b'\n' => self.line_is_empty = true,
                b'\r' => {
                    self.after_cr = true;
                    self.ends_frame = self.line_is_empty;
                    self.line_is_empty = true;
                }
                _ => self.line_is_empty = false,
            }
        }
        None
    }
}
