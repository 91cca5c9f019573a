//! Whose task is being polled, as madsim's spans tell it: readable from another thread, for a run that stands still.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Notes down the machine whose task runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Polled(Arc<Mutex<Option<String>>>);

impl Polled {
    /// The machine whose task was polled last.
    pub(super) fn machine(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The machine that a span of madsim's belongs to.
struct Machine(String);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Polled {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut name = Name(None);
        if attributes.metadata().name() == "node" {
            attributes.record(&mut name);
        }
        if let (Some(span), Some(name)) = (context.span(id), name.0) {
            span.extensions_mut().insert(Machine(name));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let machine = span.scope().find_map(|span| Some(span.extensions().get::<Machine>()?.0.clone()));
        if machine.is_some() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = machine;
        }
    }
}

struct Name(Option<String>);

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "name" {
            self.0 = Some(format!("{value:?}").trim_matches('"').to_owned());
        }
    }
}
