//! A text of sections, a line a statement, as HAProxy's: words apart by blanks, `#` begins a comment.

use sim::configuration::Broken;

/// What begins a section.
const SECTIONS: &[&str] = &[
    "global",
    "defaults",
    "frontend",
    "listen",
    "backend",
    "peers",
    "resolvers",
    "userlist",
    "mailers",
    "program",
    "cache",
    "ring",
    "log-forward",
    "log-profile",
    "http-errors",
    "fcgi-app",
    "crt-store",
    "traces",
    "acme",
];

/// A line that says something.
pub(super) struct Said {
    pub(super) line: usize,
    pub(super) words: Vec<String>,
}

/// A section, with its own line first.
pub(super) struct Section {
    pub(super) head: Said,
    pub(super) body: Vec<Said>,
}

/// The sections of a text.
///
/// # Errors
///
/// Where a text does not end, or something is in no section.
pub(super) fn sections(text: &str) -> Result<Vec<Section>, Broken> {
    let mut sections: Vec<Section> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let words = split(text).map_err(|why| Broken::at(line, why))?;
        let Some(first) = words.first() else { continue };
        // Conditions and messages of the file itself.
        if first.starts_with('.') {
            return Err(Broken::at(line, format!("{first}: conditions are not read: write out what holds")));
        }
        let said = Said { line, words };
        if SECTIONS.contains(&said.words[0].as_str()) {
            sections.push(Section { head: said, body: Vec::new() });
        } else if let Some(section) = sections.last_mut() {
            section.body.push(said);
        } else {
            return Err(Broken::at(line, format!("{}: this is in no section", said.words[0])));
        }
    }
    Ok(sections)
}

/// The words of a line.
fn split(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut is_word) = (Vec::new(), String::new(), false);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '#' => break,
            '\\' => {
                is_word = true;
                word.extend(rest.next());
            }
            '"' | '\'' => {
                is_word = true;
                loop {
                    match rest.next() {
                        None => return Err("a quote does not end".to_owned()),
                        Some(end) if end == c => break,
                        Some('\\') if c == '"' => word.extend(rest.next()),
                        Some(c) => word.push(c),
                    }
                }
            }
            c if c.is_whitespace() => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                is_word = true;
                word.push(c);
            }
        }
    }
    if is_word {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_have_blanks_and_a_section_goes_on_to_the_next() {
        let text = "global # here\n  log a\\ b \"c # d\" 'e f'g\n\nlisten x\n";
        let sections = sections(text).unwrap();
        assert_eq!((sections.len(), sections[0].head.line, sections[1].body.len()), (2, 1, 0));
        assert_eq!(sections[0].body[0].words, ["log", "a b", "c # d", "e fg"]);
        assert_eq!(sections[1].head.words, ["listen", "x"]);
    }
}
