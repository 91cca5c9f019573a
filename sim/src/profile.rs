//! How the program is compiled. A profile is the crate's that is built, not of those that it depends on: whoever does
//! not ask for it gets the executor, the network and the hash of every run without optimisation.

use host::lab;
use std::io::Write;
use std::sync::Once;

static ONCE: Once = Once::new();

/// Says once, on standard error, that runs could be many times as fast.
pub(crate) fn advise() {
    if lab::OPTIMISED {
        return;
    }
    // Whoever has closed standard error does not want to know.
    ONCE.call_once(|| drop(writeln!(std::io::stderr().lock(), "{ADVICE}")));
}

const ADVICE: &str = "note: splitbrain-host is compiled without optimisation, and runs take many times as long. \
    The guide, docs/your-own-protocol.md, has the [profile.dev] section that a crate needs";
