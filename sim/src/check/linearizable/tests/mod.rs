//! A good history accepted and its near twin rejected, for every model; random histories against a search that leaves
//! nothing out; and histories made to be hard.

mod brute;
mod hostile;
mod pairs;
mod random;

use crate::check::linearizable::Budget;
use crate::check::{Judge, Ruling};
use crate::history::{Recorded, read};

/// A history from lines such as `1 ok read 3`: process, type, function and value.
fn history(text: &str) -> Vec<Recorded> {
    let mut lines = String::new();
    for (index, line) in text.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().expect("process, type and function");
        let (process, kind, f) = (word(), word(), word());
        let value = words.next().unwrap_or("null");
        let time = index * 10;
        lines +=
            &format!(r#"{{"process":{process},"time":{time},"type":"{kind}","f":"{f}","value":{value}}}"#);
        lines.push('\n');
    }
    read(lines.as_bytes()).expect("a history")
}

fn ruling(model: &str, text: &str) -> Ruling {
    let judge: Judge = model.parse().expect("a model");
    judge.judge(&history(text), Budget::default()).expect("the model knows these functions")
}

/// The evidence of a history that is not linearizable.
fn evidence(model: &str, text: &str) -> String {
    let ruling = ruling(model, text);
    assert_eq!(ruling.verdict, crate::verdict::Verdict::Violation, "accepted:\n{text}");
    format!("{}\n{}", ruling.summary, ruling.page.join("\n"))
}

fn accept(model: &str, text: &str) {
    let ruling = ruling(model, text);
    assert_eq!(
        ruling.verdict,
        crate::verdict::Verdict::Valid,
        "{}\n{}",
        ruling.summary,
        ruling.page.join("\n")
    );
}
