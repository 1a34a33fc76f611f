//! `rename_pattern` and `rename_replacement`: the part of Java's regular expressions that restores use.
//!
//! Understood: letters, `\` escapes, `.`, `[…]` sets with ranges and `^`, groups, `|` inside groups or at the top, `^`, `$`
//! and the greedy quantifiers `*`, `+`, `?`. Anything else is refused as the server refuses a bad pattern.

use crate::testing::wire::answer::Failure;

/// A parsed pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    alternatives: Vec<Vec<Piece>>,
    groups: usize,
}

#[derive(Debug)]
struct Piece {
    atom: Atom,
    least: usize,
    most: usize,
}

#[derive(Debug)]
enum Atom {
    Char(char),
    Any,
    Set { not: bool, ranges: Vec<(char, char)> },
    Group(usize, Vec<Vec<Piece>>),
    Start,
    End,
}

/// Where each group matched, in characters.
type Captures = Vec<Option<(usize, usize)>>;

struct Parser<'a> {
    text: &'a [char],
    at: usize,
    groups: usize,
}

impl Pattern {
    pub(crate) fn parse(pattern: &str) -> Result<Self, Failure> {
        let text: Vec<char> = pattern.chars().collect();
        let mut parser = Parser { text: &text, at: 0, groups: 0 };
        let bad = |what: &str, at: usize| {
            Failure::of(400, "pattern_syntax_exception", format!("{what} near index {at}\n{pattern}"))
        };
        let alternatives = parser.alternatives().map_err(|what| bad(what, parser.at))?;
        if parser.at < text.len() {
            return Err(bad("Unmatched closing ')'", parser.at));
        }
        Ok(Self { alternatives, groups: parser.groups })
    }

    /// Java's `replaceAll`: every match, also inside the text, with `$1` for groups.
    pub(crate) fn replace_all(&self, text: &str, replacement: &str) -> String {
        let text: Vec<char> = text.chars().collect();
        let mut out = String::new();
        let mut at = 0;
        while at <= text.len() {
            let mut captures: Captures = vec![None; self.groups + 1];
            let found = ways(&self.alternatives, &text, at, &mut captures, &mut |end, _| Some(end));
            let end = found.as_ref().map_or(at, |(end, _)| *end);
            if let Some((end, captures)) = &found {
                insert(&mut out, replacement, &text, at, *end, captures);
            }
            if end == at {
                out.extend(text.get(at));
                at += 1;
            } else {
                at = end;
            }
        }
        out
    }
}

fn insert(out: &mut String, replacement: &str, text: &[char], at: usize, end: usize, captures: &Captures) {
    let mut letters = replacement.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '$' => {
                let group = letters.next().and_then(|digit| digit.to_digit(10)).unwrap_or(0) as usize;
                let span = if group == 0 { Some((at, end)) } else { captures.get(group).copied().flatten() };
                let (from, to) = span.unwrap_or((0, 0));
                out.extend(text.get(from..to).unwrap_or_default());
            }
            '\\' => out.extend(letters.next()),
            other => out.push(other),
        }
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += usize::from(letter.is_some());
        letter
    }

    fn alternatives(&mut self) -> Result<Vec<Vec<Piece>>, &'static str> {
        let mut all = vec![Vec::new()];
        while let Some(letter) = self.peek() {
            match letter {
                ')' => break,
                '|' => {
                    self.at += 1;
                    all.push(Vec::new());
                }
                _ => {
                    let piece = self.piece()?;
                    if let Some(last) = all.last_mut() {
                        last.push(piece);
                    }
                }
            }
        }
        Ok(all)
    }

    fn piece(&mut self) -> Result<Piece, &'static str> {
        let atom = match self.next() {
            Some('.') => Atom::Any,
            Some('^') => Atom::Start,
            Some('$') => Atom::End,
            Some('\\') => self.escape()?,
            Some('[') => self.set()?,
            Some('(') => self.group()?,
            Some('*' | '+' | '?' | '{') => return Err("Dangling meta character"),
            Some(letter) => Atom::Char(letter),
            None => return Err("Unexpected end"),
        };
        let (least, most) = match self.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            _ => return Ok(Piece { atom, least: 1, most: 1 }),
        };
        self.at += 1;
        if matches!(self.peek(), Some('?' | '+' | '{')) {
            return Err("Quantifier not simulated");
        }
        Ok(Piece { atom, least, most })
    }

    fn escape(&mut self) -> Result<Atom, &'static str> {
        let set = |ranges: &[(char, char)]| Atom::Set { not: false, ranges: ranges.to_vec() };
        match self.next() {
            Some('d') => Ok(set(&[('0', '9')])),
            Some('w') => Ok(set(&[('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')])),
            Some(letter) if letter.is_ascii_alphanumeric() => Err("Illegal/unsupported escape sequence"),
            Some(letter) => Ok(Atom::Char(letter)),
            None => Err("Unexpected internal error"),
        }
    }

    fn set(&mut self) -> Result<Atom, &'static str> {
        let not = self.peek() == Some('^');
        self.at += usize::from(not);
        let mut ranges = Vec::new();
        loop {
            let from = match self.next() {
                None => return Err("Unclosed character class"),
                Some(']') => return Ok(Atom::Set { not, ranges }),
                Some('\\') => self.next().ok_or("Unclosed character class")?,
                Some(letter) => letter,
            };
            let range = self.peek() == Some('-') && self.text.get(self.at + 1).is_some_and(|end| *end != ']');
            let to = if range {
                self.at += 1;
                self.next().unwrap_or(from)
            } else {
                from
            };
            ranges.push((from, to));
        }
    }

    fn group(&mut self) -> Result<Atom, &'static str> {
        if self.peek() == Some('?') {
            return Err("Group kind not simulated");
        }
        self.groups += 1;
        let number = self.groups;
        let alternatives = self.alternatives()?;
        if self.next() != Some(')') {
            self.at = self.text.len();
            return Err("Unclosed group");
        }
        Ok(Atom::Group(number, alternatives))
    }
}

/// What is done with the rest of the text once a part has matched up to a position.
type Rest<'a> = dyn FnMut(usize, &mut Captures) -> Option<usize> + 'a;

fn ways(
    alternatives: &[Vec<Piece>],
    text: &[char],
    at: usize,
    captures: &mut Captures,
    rest: &mut Rest<'_>,
) -> Option<(usize, Captures)> {
    alternatives.iter().find_map(|pieces| {
        let mut tried = captures.clone();
        let end = sequence(pieces, text, at, &mut tried, rest)?;
        Some((end, tried))
    })
}

fn sequence(
    pieces: &[Piece],
    text: &[char],
    at: usize,
    captures: &mut Captures,
    rest: &mut Rest<'_>,
) -> Option<usize> {
    match pieces.split_first() {
        None => rest(at, captures),
        Some((piece, tail)) => repeated(piece, tail, 0, text, at, captures, rest),
    }
}

/// Greedy: once more if possible, else on with the tail.
fn repeated(
    piece: &Piece,
    tail: &[Piece],
    done: usize,
    text: &[char],
    at: usize,
    captures: &mut Captures,
    rest: &mut Rest<'_>,
) -> Option<usize> {
    if done < piece.most {
        let mut tried = captures.clone();
        let more = &mut |end: usize, captures: &mut Captures| {
            // An empty repetition would go on for ever.
            if end == at && done >= piece.least {
                return None;
            }
            repeated(piece, tail, done + 1, text, end, captures, rest)
        };
        if let Some(end) = atom(&piece.atom, text, at, &mut tried, more) {
            *captures = tried;
            return Some(end);
        }
    }
    if done >= piece.least { sequence(tail, text, at, captures, rest) } else { None }
}

fn atom(
    atom: &Atom,
    text: &[char],
    at: usize,
    captures: &mut Captures,
    rest: &mut Rest<'_>,
) -> Option<usize> {
    let letter = text.get(at).copied();
    let takes = match atom {
        Atom::Start => return if at == 0 { rest(at, captures) } else { None },
        Atom::End => return if at == text.len() { rest(at, captures) } else { None },
        Atom::Group(number, alternatives) => {
            let number = *number;
            let (end, found) = ways(alternatives, text, at, captures, &mut |end, captures| {
                let before = captures.get(number).copied().flatten();
                if let Some(slot) = captures.get_mut(number) {
                    *slot = Some((at, end));
                }
                let done = rest(end, captures);
                if done.is_none() {
                    if let Some(slot) = captures.get_mut(number) {
                        *slot = before;
                    }
                }
                done
            })?;
            *captures = found;
            return Some(end);
        }
        Atom::Char(wanted) => letter == Some(*wanted),
        Atom::Any => letter.is_some(),
        Atom::Set { not, ranges } => letter
            .is_some_and(|letter| ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != *not),
    };
    if takes { rest(at + 1, captures) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_like_java() {
        for (pattern, replacement, name, expected) in [
            ("t-(.+)", "re-$1", "t-a", "re-a"),
            ("(.+)", "w-$1", "t-a", "w-t-a"),
            (".+", "same", "t-a", "same"),
            ("t-", "x", "t-a-t-b", "xa-xb"),
            ("^(operate)-(.*)_$", "$2.$1", "operate-list-1_", "list-1.operate"),
            ("(a|b)+c", "<$1>", "abac-x", "<a>-x"),
            ("[a-c]\\d?", "_", "a1b-z", "__-z"),
            ("(.+)", "copy_of_\\$1_$1", "x", "copy_of_$1_x"),
            ("zz", "y", "t-a", "t-a"),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.replace_all(name, replacement), expected, "{pattern}");
        }
    }

    #[test]
    fn refuses_what_java_refuses() {
        for pattern in ["t-(", "a)", "[a", "*a", "\\q"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
