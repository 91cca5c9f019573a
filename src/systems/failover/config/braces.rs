//! A text of words and blocks in braces, as keepalived's: `#` and `!` begin a comment, texts are in double quotes.

use sim::configuration::Broken;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) line: usize,
    /// The blocks around it: the words in front of their braces.
    pub(super) within: Vec<Vec<String>>,
    pub(super) words: Vec<String>,
}

/// Deeper nesting is no configuration.
const DEPTH_MAX: usize = 16;
/// All lines that say something, with the blocks around them.
/// # Errors
///
/// Where a block or a text does not end, or none is open.
pub(super) fn lines(text: &str) -> Result<Vec<Said>, Broken> {
    let mut all: Vec<Said> = Vec::new();
    // The blocks that are open: their words, and where.
    let mut open: Vec<(Vec<String>, usize)> = Vec::new();
    // The block's words may stand on a line of their own above the brace.
    let mut above: Option<Said> = None;
    for (line, text) in (1..).zip(text.lines()) {
        let mut words: Vec<String> = Vec::new();
        for word in split(text).map_err(|why| Broken::at(line, why))? {
            match &*word {
                "{" => {
                    let head = if words.is_empty() {
                        above.take().map(|said| said.words)
                    } else {
                        Some(std::mem::take(&mut words))
                    };
                    let head = head.ok_or_else(|| Broken::at(line, "{: this block has no name"))?;
                    if open.len() == DEPTH_MAX {
                        return Err(Broken::at(line, format!("this is nested more than {DEPTH_MAX} deep")));
                    }
                    open.push((head, line));
                }
                "}" => {
                    all.extend(above.take());
                    if !words.is_empty() {
                        all.push(said_in(&open, line, std::mem::take(&mut words)));
                    }
                    if open.pop().is_none() {
                        return Err(Broken::at(line, "}: no block is open"));
                    }
                }
                _ => {
                    all.extend(above.take());
                    words.push(word);
                }
            }
        }
        if !words.is_empty() {
            above = Some(said_in(&open, line, words));
        }
    }
    all.extend(above);
    match open.last() {
        Some((head, line)) => Err(Broken::at(*line, format!("{}: this block does not end", head.join(" ")))),
        None => Ok(all),
    }
}

fn said_in(open: &[(Vec<String>, usize)], line: usize, words: Vec<String>) -> Said {
    Said { line, within: open.iter().map(|(head, _)| head.clone()).collect(), words }
}

/// The words of a line: braces are words of their own.
fn split(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '#' | '!' => break,
            '"' => loop {
                match rest.next() {
                    None => return Err("a quote does not end".to_owned()),
                    Some('"') => break,
                    Some(c) => word.push(c),
                }
            },
            // A reference to a variable has braces of its own.
            '{' | '}' if !word.starts_with('$') => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                words.push(c.to_string());
            }
            c if c.is_whitespace() => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            }
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_the_blocks_around_it_however_they_are_laid_out() {
        let text = "a 1 # no\nb x\n{\n c { d \"2 ! 3\" }\n ! no\n e ${V}\n}\n";
        let told: Vec<(usize, Vec<String>, String)> = lines(text)
            .unwrap()
            .into_iter()
            .map(|said| {
                (said.line, said.within.iter().map(|head| head.join(" ")).collect(), said.words.join("|"))
            })
            .collect();
        let said = |line, within: &[&str], words: &str| {
            (line, within.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>(), words.to_owned())
        };
        assert_eq!(
            told,
            [said(1, &[], "a|1"), said(4, &["b x", "c"], "d|2 ! 3"), said(6, &["b x"], "e|${V}")]
        );
    }
}
