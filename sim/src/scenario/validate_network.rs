//! What the types cannot say about links: that probabilities are, that a queue holds a packet, that machines exist.

use super::error::Problem;
use super::network::{Link, Reorder};
use super::source::Path;
use super::validate::{Checked, Checks, LATENCY_MAX, above_zero, at_most};
use host::world::{LinkSettings, OutOfRange};

impl Checks<'_> {
    pub(super) fn network(&self) -> Checked {
        let (path, network) = (Path::of("network"), &self.scenario.network);
        self.latency(&path.then("latency"), network.latency)?;
        loss(&path, network.loss)?;
        reorder(&path, network.reorder)?;
        let others = network.in_the_world();
        settings(&path, &others)?;
        for (index, link) in network.links.iter().enumerate() {
            self.link(&path.then("link").then(index), link, &others)?;
        }
        Ok(())
    }

    fn link(&self, path: &Path, link: &Link, others: &LinkSettings) -> Checked {
        self.disjoint(&[(path.then("from"), &link.from), (path.then("to"), &link.to)])?;
        if let Some(latency) = link.latency {
            self.latency(&path.then("latency"), latency)?;
        }
        loss(path, link.loss.unwrap_or_default())?;
        reorder(path, link.reorder)?;
        settings(path, &link.in_the_world(others))
    }
}

/// A link that loses everything is a cut, which is a fault and not a setting.
fn loss(path: &Path, loss: f64) -> Checked {
    if (0.0..1.0).contains(&loss) {
        return Ok(());
    }
    Err(Problem::new(path.then("loss"), format!("{loss} is not a probability below 1"))
        .label("not a probability below 1")
        .help("from 0 (no packet is lost) to below 1; 0.01 loses one in a hundred"))
}

fn reorder(path: &Path, reorder: Option<Reorder>) -> Checked {
    let Some(Reorder { by, .. }) = reorder else { return Ok(()) };
    let path = path.then("reorder").then("by");
    above_zero(&path, by, "20ms")?;
    at_most(&path, by, LATENCY_MAX, "longest delay")
}

fn settings(path: &Path, settings: &LinkSettings) -> Checked {
    settings.check().map_err(|OutOfRange { field, value, bound, .. }| {
        let place = match field {
            "reorder" => path.then("reorder").then("probability"),
            "bandwidth" => path.then("bandwidth").then("bytes_per_second"),
            "queue" => path.then("bandwidth").then("queue"),
            field => path.then(field),
        };
        out_of_range(place, value, bound)
    })
}

pub(super) fn out_of_range(path: Path, value: f64, bound: &str) -> Problem {
    Problem::new(path, format!("{value} is not {bound}"))
        .label(format!("not {bound}"))
        .help(format!("write {bound}"))
}
