//! A log with snapshots: records are appended, synced and acknowledged; a snapshot takes the place of those before it.
//!
//! What a crash leaves of what was not synced is anything: some of the records, the snapshot or not. The log may be cut
//! only behind a snapshot that is synced. One that cuts when the snapshot is written (`early=yes`) loses what was
//! acknowledged.

use serde::{Deserialize, Serialize};
use sim::explore::{Entry, Setting};
use sim::spec::{Invariant, Spec};
use std::fmt::{self, Display};

/// The specification, for a command.
pub const ENTRY: Entry = Entry {
    name: "log",
    title: "A log with snapshots, on a disk that loses what is not synced",
    settings: &[
        Setting::number("records", 5, 1, 30, "records, one after the other"),
        Setting::number("crashes", 2, 1, 5, "crashes"),
        Setting::switch("early", false, "the log is cut before the snapshot is synced"),
    ],
    build: |values| {
        Box::new(Log {
            records: values.number("records"),
            crashes: values.number("crashes"),
            is_early: values.is_on("early"),
        })
    },
};

struct Log {
    records: u8,
    crashes: u8,
    is_early: bool,
}

/// Records are numbered from 1; each number says how far something goes.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct State {
    appended: u8,
    synced: u8,
    acknowledged: u8,
    /// The snapshot that is synced holds all up to this one,
    snapshot: u8,
    /// the one that is written and not synced, if there is one, up to this.
    written: u8,
    /// The log begins behind this one.
    cut: u8,
    crashes: u8,
    /// A branch came back with less than it had acknowledged.
    has_lost: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Append,
    Sync,
    Acknowledge,
    WriteSnapshot,
    SyncSnapshot,
    CutLog,
    Crash { keeps: u8, keeps_snapshot: bool },
}

impl Log {
    /// A crash leaves so many records, and the snapshot that was not synced or not.
    fn crash(&self, state: &State, keeps: u8, keeps_snapshot: bool) -> State {
        let snapshot = if keeps_snapshot { state.written } else { state.snapshot };
        // A log that begins behind what the snapshot holds is no continuation of it.
        let found = if snapshot >= state.cut { snapshot.max(keeps) } else { snapshot };
        State {
            appended: found,
            synced: found,
            acknowledged: state.acknowledged.min(found),
            snapshot,
            written: 0,
            cut: state.cut.min(snapshot),
            crashes: state.crashes + 1,
            has_lost: found < state.acknowledged,
        }
    }
}

impl Spec for Log {
    type State = State;
    type Action = Step;

    fn initial(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn next(&self, s: &State, step: &mut impl FnMut(Step, State)) {
        if s.appended < self.records {
            step(Step::Append, State { appended: s.appended + 1, ..*s });
        }
        if s.synced < s.appended {
            step(Step::Sync, State { synced: s.appended, ..*s });
        }
        if s.acknowledged < s.synced {
            step(Step::Acknowledge, State { acknowledged: s.synced, ..*s });
        }
        if s.written == 0 && s.snapshot < s.synced {
            step(Step::WriteSnapshot, State { written: s.synced, ..*s });
        }
        if s.written > 0 {
            step(Step::SyncSnapshot, State { snapshot: s.written, written: 0, ..*s });
        }
        let safe = if self.is_early { s.snapshot.max(s.written) } else { s.snapshot };
        if s.cut < safe {
            step(Step::CutLog, State { cut: safe, ..*s });
        }
        if s.crashes < self.crashes {
            for keeps in s.synced..=s.appended {
                for keeps_snapshot in [false, true].into_iter().filter(|keeps| !keeps || s.written > 0) {
                    step(Step::Crash { keeps, keeps_snapshot }, self.crash(s, keeps, keeps_snapshot));
                }
            }
        }
    }

    fn invariants(&self) -> Vec<Invariant<'_, State>> {
        vec![
            Invariant::new("NothingAcknowledgedIsLost", |s: &State| !s.has_lost),
            Invariant::new("NoGap", |s: &State| s.cut <= s.snapshot.max(s.written)),
        ]
    }

    fn may_end(&self, s: &State) -> bool {
        s.appended == self.records
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Append => f.write_str("Append"),
            Step::Sync => f.write_str("Sync"),
            Step::Acknowledge => f.write_str("Acknowledge"),
            Step::WriteSnapshot => f.write_str("WriteSnapshot"),
            Step::SyncSnapshot => f.write_str("SyncSnapshot"),
            Step::CutLog => f.write_str("CutLog"),
            Step::Crash { keeps, keeps_snapshot: false } => write!(f, "Crash({keeps})"),
            Step::Crash { keeps, keeps_snapshot: true } => write!(f, "Crash({keeps}, snapshot)"),
        }
    }
}
