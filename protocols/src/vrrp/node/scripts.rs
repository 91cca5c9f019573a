//! Notify scripts, and the system's own care for a database that has stopped.

use crate::database::{Repair, Role, Supervisor};
use crate::vrrp::options::Config;
use crate::vrrp::rules::State;
use crate::vrrp::rules::script::{self, Step, Was};
use host::sometimes;
use host::time::{Instant, sleep, timeout};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;

/// A script that cannot do what it is for tries again after so long; so often the system looks whether the database
/// runs.
const AGAIN: Duration = Duration::from_secs(1);

/// Where the daemon's states come to.
#[derive(Debug)]
pub struct Scripts(mpsc::UnboundedReceiver<State>);

impl Scripts {
    pub(super) fn new(states: mpsc::UnboundedReceiver<State>) -> Scripts {
        Scripts(states)
    }
}

/// A standby that has not streamed for so long is copied anew.
const COPIED_AFTER: Duration = Duration::from_secs(15);

/// Runs the scripts of a daemon, one after the other, and starts the database again when it has stopped, as what it was
/// last. Until the first script there is no database to start.
pub async fn scripts(config: Config, mut states: Scripts) -> Infallible {
    let database = Supervisor::new(config.database);
    let mut hand = Hand { config: &config, database, was: None, is_stopped: true, idle_since: None };
    let mut script = None;
    loop {
        if let Some(state) = script {
            if hand.goes_on(state).await {
                script = None;
            }
        } else {
            hand.keeps_running().await;
        }
        match timeout(AGAIN, states.0.recv()).await {
            Ok(Some(state)) => script = Some(state),
            // The daemon is gone.
            Ok(None) => sleep(AGAIN).await,
            Err(_) => {}
        }
    }
}

/// A hand on the database.
struct Hand<'a> {
    config: &'a Config,
    database: Supervisor,
    was: Option<Was>,
    /// A script has stopped it, and means it.
    is_stopped: bool,
    /// Since when it is a standby that does not stream.
    idle_since: Option<Instant>,
}

impl Hand<'_> {
    /// A script does what it can. Whether all is done.
    async fn goes_on(&mut self, script: State) -> bool {
        loop {
            let Ok(status) = self.database.status().await else { return false };
            let on_backup = self.config.variant.on_backup();
            match script::next(script, on_backup, self.config.primary, &status) {
                Step::Done => {
                    self.is_stopped = script == State::Fault;
                    return true;
                }
                Step::Wait => return false,
                step => {
                    if !self.takes(step).await {
                        return false;
                    }
                }
            }
        }
    }

    /// The system looks after a database that has stopped by itself, or that cannot follow.
    async fn keeps_running(&mut self) {
        let Some(was) = self.was.filter(|_| !self.is_stopped) else { return };
        let Ok(status) = self.database.status().await else { return };
        if status.role == Role::Stopped {
            sometimes!("a database that stopped is started again");
            self.takes(script::as_it_was(was, self.config.primary)).await;
        }
        if was == Was::Primary || !script::is_idle(&status) {
            self.idle_since = None;
        } else if self.idle_since.get_or_insert_with(Instant::now).elapsed() >= COPIED_AFTER {
            // It may be ahead of whoever has the address now, and that one may never write again. To be told the same
            // twice is to be told nothing.
            sometimes!("a standby that does not stream is copied anew");
            self.idle_since = None;
            for repair in [Repair::RewindOrClone, Repair::Clone] {
                self.takes(Step::Follow(self.config.primary, repair)).await;
            }
        }
    }

    async fn takes(&mut self, step: Step) -> bool {
        let was = match &step {
            Step::Promote => Some(Was::Primary),
            Step::Start(crate::database::Start::Primary) => Some(Was::Primary),
            Step::Start(_) | Step::Follow(..) => Some(Was::Standby),
            Step::Done | Step::Wait | Step::Stop => self.was,
        };
        let taken = match step {
            Step::Start(start) => self.database.start(start).await,
            Step::Promote => self.database.promote().await,
            Step::Follow(upstream, repair) => self.database.follow(Some(upstream), repair).await,
            Step::Stop => self.database.stop().await,
            Step::Done | Step::Wait => Ok(()),
        };
        if taken.is_ok() {
            self.was = was;
        }
        taken.is_ok()
    }
}
