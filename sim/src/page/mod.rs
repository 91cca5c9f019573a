//! A page that a browser shows: lanes over time, with what happened on each, as one file that needs nothing else.
//!
//! [`Page`] is plain data and knows neither histories nor runs; `history.rs` makes one of a recorded history and what
//! was found of it, `run.rs` one of a simulated run. `page.html`, `page.css` and `page.js` are the template. The data
//! goes in as JSON in which no `<` stands, and the script puts it on the screen as text; a content security policy
//! forbids every script and style but these two, by their hashes, and everything from elsewhere. So a history may hold
//! what it likes.
//!
//! What the page gives up: beyond so many items of a kind it shows those nearest to what the verdict is about, and says
//! so.
//!
//! `card.rs` makes another page, with its own template: a card's tables and charts, without a script.

mod card;
mod history;
mod lanes;
mod run;

pub(crate) use card::of_card;
pub(crate) use history::of_history;
pub(crate) use run::of_run;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("theme.css"), include_str!("page.css"));
const SCRIPT: &str = include_str!("page.js");
/// How many items of a kind are shown.
const ITEMS_MAX: usize = 20_000;
/// How large a page may be.
const BYTES_MAX: usize = 5_000_000;
/// How long what an item says may be; what the verdict is about says all.
const TEXT_BYTES_MAX: usize = 160;

/// What a page shows.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Page {
    pub title: String,
    /// The verdict in a word.
    pub verdict: String,
    pub summary: String,
    pub unit: Unit,
    /// The lanes' names, from the top.
    pub lanes: Vec<String>,
    /// What [`Bar::keys`] means: what can be filtered by.
    pub keys: Vec<String>,
    pub bars: Vec<Bar>,
    pub arrows: Vec<Arrow>,
    pub regions: Vec<Region>,
    pub marks: Vec<Mark>,
    /// The evidence, line by line.
    pub text: Vec<String>,
    /// What else should be known of the page.
    pub notes: Vec<String>,
    /// Where to look first, if not all can be shown.
    #[serde(skip)]
    pub around: i64,
}

/// What places on the axis are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    /// Nanoseconds.
    #[default]
    Ns,
    /// Events, one after another, each at an even number: between two there is a middle.
    Order,
}

/// How something is coloured, and what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tone {
    Ok,
    Fail,
    Unknown,
    Wrong,
    Message,
    Event,
    Fault,
}

/// Something that takes time on a lane.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Bar {
    pub lane: usize,
    pub from: i64,
    /// None for no end.
    pub to: Option<i64>,
    pub text: String,
    pub tone: Tone,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<usize>,
    /// The instant at which it takes effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<i64>,
    /// Its part in what the verdict is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What else is told when it is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Something that goes from one lane to another.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Arrow {
    pub from: usize,
    pub to: usize,
    pub sent: i64,
    pub arrived: i64,
    pub text: String,
    pub tone: Tone,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Something that holds on several lanes for a time; on all if it names none.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Region {
    pub lanes: Vec<usize>,
    pub from: i64,
    pub to: Option<i64>,
    pub text: String,
    pub tone: Tone,
}

/// Something that happens at one instant.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Mark {
    pub lane: usize,
    pub at: i64,
    pub text: String,
    pub tone: Tone,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// What can be left out where there is too much.
trait Item: Clone {
    const NAME: &'static str;
    fn at(&self) -> i64;
    fn is_evidence(&self) -> bool;
}

impl Item for Bar {
    const NAME: &'static str = "operations";
    fn at(&self) -> i64 {
        self.from
    }
    fn is_evidence(&self) -> bool {
        self.role.is_some()
    }
}

impl Item for Arrow {
    const NAME: &'static str = "messages";
    fn at(&self) -> i64 {
        self.arrived
    }
    fn is_evidence(&self) -> bool {
        self.role.is_some()
    }
}

impl Item for Mark {
    const NAME: &'static str = "events";
    fn at(&self) -> i64 {
        self.at
    }
    fn is_evidence(&self) -> bool {
        self.role.is_some()
    }
}

impl Page {
    /// The page as a file.
    pub(crate) fn html(&self) -> String {
        let mut items_max = ITEMS_MAX;
        loop {
            let html = self.within(items_max).whole_html();
            if html.len() < BYTES_MAX || items_max == 0 {
                return html;
            }
            items_max /= 2;
        }
    }

    fn whole_html(&self) -> String {
        let data = serde_json::to_string(self).expect("plain data is JSON").replace('<', "\\u003c");
        let (script_hash, style_hash) = (hash(SCRIPT), hash(STYLE));
        filled(TEMPLATE, |name| match name {
            "script-hash" => &script_hash,
            "style-hash" => &style_hash,
            "style" => STYLE,
            "script" => SCRIPT,
            "data" => &data,
            name => unreachable!("the template asks for {name}"),
        })
    }

    /// The page with no more than so many items of a kind.
    fn within(&self, items_max: usize) -> Page {
        let mut page = self.clone();
        let left_out = [
            thin(&mut page.bars, items_max, self.around),
            thin(&mut page.arrows, items_max, self.around),
            thin(&mut page.marks, items_max, self.around),
        ];
        page.notes.extend(left_out.into_iter().flatten());
        page
    }
}

/// Leaves the items nearest to an instant, and the evidence. Returns what there was, if that is more.
fn thin<I: Item>(items: &mut Vec<I>, items_max: usize, around: i64) -> Option<String> {
    let all = items.len();
    if all <= items_max {
        return None;
    }
    let far = |item: &I| if item.is_evidence() { 0 } else { 1 + item.at().abs_diff(around) };
    let mut order: Vec<usize> = (0..all).collect();
    order.sort_by_key(|index| (far(&items[*index]), *index));
    let evidence = order.iter().take_while(|index| items[**index].is_evidence()).count();
    order.truncate(items_max.max(evidence));
    order.sort_unstable();
    *items = order.into_iter().map(|index| items[index].clone()).collect();
    Some(format!("of {all} {}, the {} nearest to what the verdict is about are shown", I::NAME, items.len()))
}

/// A template with what it asks for by name.
fn filled<'a>(template: &str, by_name: impl Fn(&str) -> &'a str) -> String {
    let mut html = String::new();
    let mut rest = template;
    // From left to right, so that what is put in is not read as a template again.
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the template closes what it opens");
        html += before;
        html += by_name(name);
        rest = after;
    }
    html + rest
}

/// A text's hash, as a content security policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// A text for an item.
fn clipped(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let mut end = TEXT_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests;
