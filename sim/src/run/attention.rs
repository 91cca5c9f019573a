//! How closely a run is attended to. None of it changes the run: the digest is the same, except of one whose views are
//! read under way, from that instant on.

use super::{polled::Polled, substrate, tracing_layer};
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// How closely a run is attended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attention {
    closely: bool,
    alone: bool,
    records: bool,
    names_sockets: bool,
    backtrace_at: Option<usize>,
    views_at_ns: Option<u64>,
}

impl Attention {
    /// As a sweep does: for speed.
    pub const QUICK: Attention = Attention {
        closely: false,
        alone: false,
        records: false,
        names_sockets: false,
        backtrace_at: None,
        views_at_ns: None,
    };
    /// Looks for what a node uses besides the simulation, too.
    pub const CLOSE: Attention = Attention { closely: true, ..Attention::QUICK };
    /// The same, and everything that happens is written down.
    pub const RECORDED: Attention = Attention { records: true, ..Attention::CLOSE };
    /// As a sweep does, and what happens is written down: all but what code logs.
    pub(crate) const WATCHED: Attention = Attention { records: true, ..Attention::QUICK };
    /// As [`Attention::CLOSE`], in a process in which nothing else happens: what is open was opened by the run.
    pub const ALONE: Attention = Attention { alone: true, ..Attention::CLOSE };
    /// As [`Attention::RECORDED`], in a process in which nothing else happens.
    pub const ALONE_AND_RECORDED: Attention = Attention { alone: true, ..Attention::RECORDED };

    /// The same, and what the code was at is written down for an event of the trace, by its number from 1.
    #[must_use]
    pub fn with_backtrace_at(self, event: usize) -> Self {
        Attention { backtrace_at: Some(event), ..self }
    }

    /// As [`Attention::RECORDED`], but what is written down as the nodes' views is what they believed at an instant, in ns
    /// since the run began, or up to a millisecond later. Until then the run is the same.
    #[must_use]
    pub fn with_views_at(at_ns: u64) -> Self {
        Attention { views_at_ns: Some(at_ns), ..Attention::RECORDED }
    }

    /// The same, slowly: whoever opens a real socket is named.
    pub(crate) fn naming_sockets(self) -> Self {
        Attention { names_sockets: true, ..self }
    }

    pub(super) fn records(self) -> bool {
        self.records
    }

    pub(super) fn backtrace_at(self) -> Option<usize> {
        self.backtrace_at
    }

    pub(super) fn views_at_ns(self) -> Option<u64> {
        self.views_at_ns
    }

    /// Attends to what `run` does on this thread.
    pub(super) fn to<T>(self, run: impl FnOnce() -> T) -> T {
        if !self.closely {
            return run();
        }
        if self.alone && !self.names_sockets {
            substrate::watch_sockets();
        }
        if !self.records && !self.names_sockets {
            return tracing::subscriber::with_default(substrate::Network, run);
        }
        let names = self.names_sockets.then(|| {
            let polled = Polled::default();
            polled.clone().and_then(substrate::name_sockets(polled))
        });
        let log = self.records.then(tracing_layer::collect);
        let subscriber = tracing_subscriber::registry().with(substrate::attend()).with(names).with(log);
        tracing::subscriber::with_default(subscriber, run)
    }
}
