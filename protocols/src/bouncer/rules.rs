//! Who may be linked, who dials, who waits and who is sent away: a pool's decisions, without a wait.
//!
//! Times are counted from when the process began.

use super::message::{Answer, Scope};
use super::options::Options;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

/// What is known of the servers and of what was commanded.
#[derive(Debug)]
pub(super) struct Pool {
    options: Options,
    target: SocketAddr,
    /// How often the target has changed: servers of an earlier one are not released, but closed.
    generation: u64,
    paused: BTreeSet<Scope>,
    /// Servers that are linked to a client.
    linked: u32,
    /// Servers that are free.
    idle: u32,
    /// Since when one is being dialled.
    dialled: Option<Duration>,
    /// When the last dial began, if it failed.
    failed: Option<Duration>,
    /// What the last server said at its login: whether it takes writes.
    writable: Option<bool>,
}

/// What becomes of a client that needs a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is linked to a free server.
    Link,
    /// A server is dialled; it waits.
    Dial,
    /// It waits for whatever changes, until this time at most.
    Wait(Duration),
    /// It is sent away.
    Refuse,
}

impl Pool {
    pub fn new(target: SocketAddr, options: Options) -> Pool {
        Pool {
            options,
            target,
            generation: 0,
            paused: BTreeSet::new(),
            linked: 0,
            idle: 0,
            dialled: None,
            failed: None,
            writable: None,
        }
    }

    /// Where servers are dialled, and of which generation they are.
    pub fn target(&self) -> (SocketAddr, u64) {
        (self.target, self.generation)
    }

    pub fn is_paused(&self) -> bool {
        !self.paused.is_empty()
    }

    /// No server is linked: a `PAUSE` is done.
    pub fn is_still(&self) -> bool {
        self.linked == 0
    }

    /// What a client is told at its login; none before the first server's.
    pub fn writable(&self) -> Option<bool> {
        self.writable
    }

    /// What becomes of a client that needs a server, and has waited for one before or not.
    pub fn need(&self, now: Duration, waits: bool) -> Next {
        if self.is_paused() {
            return Next::Wait(Duration::MAX);
        }
        if self.idle > 0 {
            return Next::Link;
        }
        let retry_at = self.failed.map(|began| began + self.options.server_login_retry);
        if self.failed.is_some() && self.linked == 0 && !waits {
            return Next::Refuse;
        }
        match retry_at {
            _ if self.dialled.is_some() => Next::Wait(Duration::MAX),
            Some(at) if now < at => Next::Wait(at),
            _ if self.linked >= self.options.default_pool_size => Next::Wait(Duration::MAX),
            _ => Next::Dial,
        }
    }

    /// Somebody was sent away: that tries a login, too, if it may be, for whoever comes next.
    pub fn dials_for_the_next(&self, now: Duration) -> bool {
        self.need(now, true) == Next::Dial
    }

    pub fn dials(&mut self, now: Duration) {
        self.dialled = Some(now);
    }

    /// A login ended: what the server said, or that it failed. Whether the server may be kept.
    pub fn logged_in(&mut self, generation: u64, writable: Option<bool>) -> bool {
        let began = self.dialled.take();
        if writable.is_some() {
            (self.failed, self.writable) = (None, writable);
        } else {
            self.failed = began;
        }
        let kept = writable.is_some() && generation == self.generation && !self.is_paused();
        self.idle += u32::from(kept);
        kept
    }

    pub fn linked(&mut self) {
        (self.idle, self.linked) = (self.idle - 1, self.linked + 1);
    }

    /// A client lets go of its server, which works or does not. Whether it may be kept.
    pub fn released(&mut self, generation: u64, works: bool) -> bool {
        self.linked -= 1;
        let kept = works && generation == self.generation && !self.is_paused();
        self.idle += u32::from(kept);
        kept
    }

    /// So many free servers have closed by themselves.
    pub fn closed(&mut self, idle: u32) {
        self.idle -= idle;
    }

    /// Free servers are to be closed, if this is done.
    pub fn pause(&mut self, scope: Scope) -> Answer {
        if self.paused.contains(&Scope::Pooler) {
            return Answer::Error("already suspended/paused".to_owned());
        }
        self.paused.insert(scope);
        self.idle = 0;
        Answer::Done
    }

    pub fn resume(&mut self, scope: Scope) -> Answer {
        if self.paused.remove(&scope) {
            return Answer::Done;
        }
        let what = if scope == Scope::Pooler { "pooler" } else { "database" };
        Answer::Error(format!("{what} is not paused"))
    }

    /// Whether the file says another address: then free servers are to be closed.
    pub fn reload(&mut self, target: SocketAddr) -> bool {
        if self.target == target {
            return false;
        }
        (self.target, self.generation, self.idle) = (target, self.generation + 1, 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn at(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 5432))
    }

    fn pool() -> Pool {
        Pool::new(at(1), Options::default())
    }

    /// A pool with one server that is linked.
    fn busy() -> Pool {
        let mut pool = pool();
        pool.dials(Duration::ZERO);
        assert!(pool.logged_in(0, Some(true)));
        pool.linked();
        pool
    }

    #[test]
    fn a_free_server_is_taken_before_one_is_dialled_and_one_is_dialled_at_a_time() {
        let mut pool = pool();
        assert_eq!(pool.need(S, false), Next::Dial);
        pool.dials(S);
        assert_eq!(pool.need(S, false), Next::Wait(Duration::MAX));
        assert!(pool.logged_in(0, Some(true)));
        assert_eq!(pool.need(S, false), Next::Link);
        pool.linked();
        assert_eq!(pool.need(S, false), Next::Dial);
    }

    #[test]
    fn from_pause_on_everybody_is_held_and_it_is_done_when_no_server_is_linked() {
        let mut pool = busy();
        assert_eq!(pool.pause(Scope::Pooler), Answer::Done);
        assert_eq!(pool.need(S, false), Next::Wait(Duration::MAX));
        assert!(!pool.is_still());
        assert!(!pool.released(0, true), "it is closed, not kept");
        assert!(pool.is_still());
        assert_eq!(pool.resume(Scope::Pooler), Answer::Done);
        assert_eq!(pool.need(S, false), Next::Dial);
    }

    #[test]
    fn a_pause_of_the_database_and_one_of_the_pooler_are_two() {
        let mut pool = pool();
        assert_eq!(pool.pause(Scope::Database), Answer::Done);
        assert_eq!(pool.pause(Scope::Pooler), Answer::Done);
        assert!(matches!(pool.pause(Scope::Pooler), Answer::Error(_)), "it is paused");
        assert_eq!(pool.resume(Scope::Pooler), Answer::Done);
        assert!(pool.is_paused());
        assert!(matches!(pool.resume(Scope::Pooler), Answer::Error(_)), "it is not paused");
        assert_eq!(pool.resume(Scope::Database), Answer::Done);
        assert!(!pool.is_paused());
    }

    #[test]
    fn after_a_login_that_failed_none_is_tried_for_15_s_whatever_was_commanded() {
        let mut pool = pool();
        pool.dials(S);
        assert!(!pool.logged_in(0, None));
        assert_eq!(pool.need(2 * S, false), Next::Refuse, "who comes later is sent away at once");
        assert_eq!(pool.need(2 * S, true), Next::Wait(16 * S), "who waited waits on");
        pool.pause(Scope::Pooler);
        assert!(pool.reload(at(2)));
        pool.resume(Scope::Pooler);
        assert_eq!(pool.need(3 * S, true), Next::Wait(16 * S));
        assert!(!pool.dials_for_the_next(3 * S));
        assert!(pool.dials_for_the_next(16 * S));
        assert_eq!(pool.need(16 * S, true), Next::Dial);
        // Its near twin: nobody had knocked.
        let mut quiet = self::pool();
        assert!(quiet.reload(at(2)));
        assert_eq!(quiet.need(3 * S, false), Next::Dial);
    }

    #[test]
    fn after_reload_a_server_of_the_old_address_is_closed_when_it_is_released() {
        let mut pool = busy();
        assert!(pool.reload(at(2)));
        assert_eq!(pool.target(), (at(2), 1));
        assert!(!pool.released(0, true));
        let mut same = busy();
        assert!(!same.reload(at(1)));
        assert!(same.released(0, true), "the file says what it said");
    }

    #[test]
    fn a_dial_that_the_file_has_overtaken_is_not_kept() {
        let mut pool = pool();
        pool.dials(S);
        pool.reload(at(2));
        assert!(!pool.logged_in(0, Some(true)));
        assert_eq!(pool.need(S, true), Next::Dial);
    }

    #[test]
    fn a_free_server_that_closes_by_itself_is_linked_no_more() {
        let mut pool = busy();
        pool.dials(S);
        assert!(pool.logged_in(0, Some(true)));
        assert!(pool.released(0, true), "there are two");
        pool.closed(1);
        assert_eq!(pool.need(S, false), Next::Link);
        pool.closed(1);
        assert_eq!(pool.need(S, false), Next::Dial);
        pool.closed(0);
        assert_eq!(pool.need(S, false), Next::Dial);
    }

    #[test]
    fn there_are_no_more_servers_than_may_be() {
        let mut pool = Pool::new(at(1), Options { default_pool_size: 1, ..Options::default() });
        pool.dials(S);
        pool.logged_in(0, Some(true));
        pool.linked();
        assert_eq!(pool.need(S, false), Next::Wait(Duration::MAX));
    }

    #[test]
    fn a_client_is_told_what_the_last_server_said() {
        let mut pool = pool();
        assert_eq!(pool.writable(), None);
        pool.dials(S);
        pool.logged_in(0, Some(false));
        pool.dials(2 * S);
        pool.logged_in(0, None);
        assert_eq!(pool.writable(), Some(false));
    }
}
