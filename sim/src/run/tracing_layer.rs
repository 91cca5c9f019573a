//! What node code logs with `tracing` goes into the trace of a recorded run, with its machine and simulated time.

use host::world;
use std::fmt::{Debug, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Writes into this thread's world.
pub(super) fn collect<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    // The executor's own events would drown those of the protocol.
    let of_nodes = |metadata: &Metadata<'_>| {
        !metadata.target().starts_with("madsim") && *metadata.level() <= Level::DEBUG
    };
    Collect.with_filter(filter_fn(of_nodes).with_max_level_hint(LevelFilter::DEBUG))
}

struct Collect;

impl<S: Subscriber> Layer<S> for Collect {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let metadata = event.metadata();
        world::with(|world| world.log(metadata.target(), metadata.file().is_some_and(is_library), text.0));
    }
}

/// Whether a source file is one of a dependency's, by where cargo keeps those.
fn is_library(file: &str) -> bool {
    ["/registry/src/", "/git/checkouts/", "/vendor/"].iter().any(|place| file.contains(place))
}

/// An event's message and fields, in one line.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{space}{value:?}"),
            name => write!(self.0, "{space}{name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
