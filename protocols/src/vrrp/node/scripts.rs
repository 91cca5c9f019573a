//! Notify scripts, and the system's own care for a database that has stopped.

use crate::database::{Role, Supervisor};
use crate::vrrp::options::Config;
use crate::vrrp::rules::State;
use crate::vrrp::rules::script::{self, Step, Was};
use host::sometimes;
use host::time::{sleep, timeout};
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

/// Runs the scripts of a daemon, one after the other, and starts the database again when it has stopped, as what it was
/// last. Until the first script there is no database to start.
pub async fn scripts(config: Config, mut states: Scripts) -> Infallible {
    let mut hand =
        Hand { database: Supervisor::new(config.database), config: &config, was: None, is_stopped: true };
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

    /// The system looks after a database that has stopped by itself.
    async fn keeps_running(&mut self) {
        let Some(was) = self.was.filter(|_| !self.is_stopped) else { return };
        if self.database.status().await.is_ok_and(|status| status.role == Role::Stopped) {
            sometimes!("a database that stopped is started again");
            self.takes(script::as_it_was(was, self.config.primary)).await;
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
