//! What is there in the end: **durability**, **delivery** and **reading**.

use super::{log, told};
use protocols::pipeline::{Arrival, LineId, ObjectId, View};
use sim::check::{Broken, Seen, Views};
use std::collections::BTreeMap;

/// How many lines each object has that the bucket acknowledged.
#[derive(Default)]
pub(super) struct Heard(BTreeMap<ObjectId, u32>);

/// An object, as the bucket has it.
struct Object {
    lines: Option<Vec<String>>,
    done: bool,
}

impl Heard {
    /// An object is counted when it is acknowledged: afterwards it may be deleted.
    pub fn hear(&mut self, seen: &Seen<'_, View>) {
        let Some(probe) = seen.probe.filter(|probe| probe.name == "stored") else { return };
        let stored = ObjectId(told(probe, 0));
        for (_, view) in seen.views.up() {
            view.each_object(|id, body, _| {
                if let Some(body) = body.filter(|_| id == stored) {
                    self.0.insert(id, lines(body).len() as u32);
                }
            });
        }
    }

    /// The bucket has every object that it acknowledged.
    pub fn durable(&self, views: &Views<View>) -> Result<(), Broken> {
        let objects = objects(views)?;
        match self.0.keys().find(|id| !objects.contains_key(id)) {
            Some(id) => Err(Broken::new(format!("{id} was acknowledged, and is not there")).item(id)),
            None => Ok(()),
        }
    }

    /// Every line of every object has arrived; of what was deleted all have, or a report.
    pub fn delivered(&self, views: &Views<View>) -> Result<(), Broken> {
        let arrived = arrivals(views)?;
        for (id, object) in objects(views)? {
            let broken = |why: String| Err(Broken::new(why).item(id));
            let is_there = |line| arrived.contains_key(&LineId { object: id, line });
            let missing = |lines: u32| (1..=lines).find(|line| !is_there(*line));
            if let Some(lines) = &object.lines {
                if is_there(0) {
                    return broken(format!("{id} is reported as one that cannot be read, and is there"));
                }
                if let Some(line) = missing(lines.len() as u32) {
                    let what = if object.done { "and it is done" } else { "and it is announced still" };
                    return broken(format!("line {line} of {id} has not arrived, {what}"));
                }
            } else if let Some(lines) = self.0.get(&id).filter(|_| !is_there(0))
                && let Some(line) = missing(*lines)
            {
                return broken(format!(
                    "{id} was deleted, line {line} has not arrived, and nothing is reported"
                ));
            }
            if !object.done {
                return broken(format!("{id} is announced still"));
            }
        }
        Ok(())
    }
}

/// What arrived says what its line says, and what is broken is reported as it is.
pub(super) fn read_right(views: &Views<View>) -> Result<(), Broken> {
    let objects = objects(views)?;
    for (id, arrival) in arrivals(views)? {
        let lines = objects.get(&id.object).and_then(|object| object.lines.as_ref());
        let Some(line) = lines.and_then(|lines| lines.get((id.line as usize).checked_sub(1)?)) else {
            continue;
        };
        let wrong = match &arrival {
            Arrival::Report { raw, .. } if raw != line => Some("reported in other words"),
            Arrival::Report { .. } if !log::is_broken(line) => Some("reported, and can be read"),
            Arrival::Event(_) if log::is_broken(line) => Some("broken, and is not reported"),
            Arrival::Event(entry) if !line.starts_with(&entry.received) || !line.contains(&entry.request) => {
                Some("read as another")
            }
            _ => None,
        };
        if let Some(what) = wrong {
            return Err(Broken::new(format!("line {id} is {what}: {line}")).item(id));
        }
    }
    Ok(())
}

/// What the bucket has.
fn objects(views: &Views<View>) -> Result<BTreeMap<ObjectId, Object>, Broken> {
    let mut objects = BTreeMap::new();
    let mut has_bucket = false;
    for (_, view) in views.up() {
        has_bucket |= view.each_object(|id, body, done| {
            objects.insert(id, Object { lines: body.map(lines), done });
        });
    }
    if has_bucket { Ok(objects) } else { Err(Broken::new("the bucket is not up")) }
}

/// What the collector has.
fn arrivals(views: &Views<View>) -> Result<BTreeMap<LineId, Arrival>, Broken> {
    let mut arrivals = BTreeMap::new();
    let mut has_collector = false;
    for (_, view) in views.up() {
        has_collector |= view.each_line(|id, arrival| {
            arrivals.insert(id, arrival.clone());
        });
    }
    if has_collector { Ok(arrivals) } else { Err(Broken::new("the collector is not up")) }
}

fn lines(body: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(body).lines().map(str::to_owned).collect()
}
