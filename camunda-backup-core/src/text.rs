//! Text that came from a server, made fit to be shown: one line, short, no control characters.

/// The longest server text that errors, events and reports carry, in characters.
pub const MAX_SERVER_TEXT: usize = 300;

/// The first line of `text`, control characters replaced, cut after [`MAX_SERVER_TEXT`] characters.
///
/// Camunda serialises exceptions with stack traces of 4–22 kB as messages; this keeps the sentence.
pub fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let mut short: String =
        line.chars().take(MAX_SERVER_TEXT).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if line.chars().nth(MAX_SERVER_TEXT).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_line_and_cuts() {
        assert_eq!(one_line("\n  boom\n\tat x.y.Z"), "boom");
        assert_eq!(one_line("a\0b"), "a\u{fffd}b");
        assert_eq!(one_line(&"x".repeat(5000)).chars().count(), MAX_SERVER_TEXT + 1);
    }
}
