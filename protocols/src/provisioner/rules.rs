//! What the controller decides: which build gets which agent, when one is launched, and when it is stopped.
//!
//! Time is that since the controller began. Whatever happens to a connection follows as an [`Effect`].

pub(super) mod calls;
#[cfg(test)]
mod tests;

use super::message::{AgentId, Answer, BuildId, Call, Status, Why};
use super::options::{Flaw, Options};
use host::{probe, sometimes};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// The first pause of who is throttled.
const BACKOFF: Duration = Duration::from_secs(1);

/// What follows for connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The agent builds this.
    Work(AgentId, BuildId, Duration),
    /// Whoever asked is told how long the build waited for its agent.
    Tell(BuildId, Duration),
    /// The agent is hung up on.
    HangUp(AgentId),
}

/// What the launcher does next in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Call(Call),
    /// Nothing for so long, unless something happens.
    Wait(Duration),
}

/// All that the controller knows.
pub(super) struct Fleet {
    life: u64,
    options: Options,
    zones: Vec<Zone>,
    agents: BTreeMap<AgentId, Agent>,
    builds: BTreeMap<BuildId, Build>,
    queue: VecDeque<BuildId>,
    launched: u32,
    effects: Vec<Effect>,
}

/// What the launcher knows of a zone.
#[derive(Debug, Default)]
struct Zone {
    /// There is a connection.
    is_up: bool,
    /// When it said last what it runs, in this life; none: nothing is launched.
    listed: Option<Duration>,
    /// No call before this.
    quiet_until: Duration,
    backoff: Duration,
}

#[derive(Debug)]
struct Agent {
    /// Its place among the zones.
    zone: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Launching(Launch),
    Idle {
        since: Duration,
    },
    Busy(BuildId),
    /// It is interrupted, and gets nothing after this.
    Draining(BuildId),
    Stopping(Why),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Launch {
    /// The zone has answered that there is a task.
    is_made: bool,
    deadline: Duration,
    poll_at: Duration,
    /// A poll has seen the task running, and the agent waits: both matter to the flaw alone.
    seen_running: bool,
    connected: bool,
}

struct Build {
    lasts: Duration,
    asked: Duration,
    /// How long it waited for the agent that built it.
    built: Option<Duration>,
    /// How long it waited for the agent that it has, or had.
    waited: Duration,
}

impl Fleet {
    pub fn new(life: u64, zones: usize, options: Options) -> Fleet {
        Fleet {
            life,
            options,
            zones: (0..zones).map(|_| Zone::default()).collect(),
            agents: BTreeMap::new(),
            builds: BTreeMap::new(),
            queue: VecDeque::new(),
            launched: 0,
            effects: Vec::new(),
        }
    }

    /// What is to be done since this was last asked.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Builds that wait, builds under way, and agents.
    pub fn figures(&self) -> (usize, usize, usize) {
        let works = |agent: &&Agent| matches!(agent.stage, Stage::Busy(_) | Stage::Draining(_));
        (self.queue.len(), self.agents.values().filter(works).count(), self.agents.len())
    }

    /// A client asks for a build, for the first time or again.
    pub fn on_ask(&mut self, id: BuildId, lasts: Duration, now: Duration) {
        match self.builds.get(&id) {
            Some(Build { built: Some(waited), .. }) => self.effects.push(Effect::Tell(id, *waited)),
            Some(_) => {}
            None => {
                let build = Build { lasts, asked: now, built: None, waited: Duration::ZERO };
                self.builds.insert(id, build);
                self.queue.push_back(id);
                self.assign(now);
            }
        }
    }

    /// An agent says its name; whether it is welcome.
    pub fn on_hello(&mut self, id: AgentId, now: Duration) -> bool {
        let Some(Agent { stage, .. }) = self.agents.get_mut(&id) else {
            sometimes!("agent connected late and was sent away");
            return false;
        };
        let Stage::Launching(launch) = stage else {
            sometimes!("agent connected late and was sent away");
            return false;
        };
        if self.options.flaw == Some(Flaw::PollEqualsTimeout) {
            launch.connected = true;
        } else {
            self.accept(id, now);
        }
        true
    }

    /// An agent has built something.
    pub fn on_done(&mut self, id: AgentId, build: BuildId, now: Duration) {
        let Some(Agent { stage, .. }) = self.agents.get_mut(&id) else { return };
        let after = match *stage {
            Stage::Busy(current) if current == build => Stage::Idle { since: now },
            Stage::Draining(current) if current == build => Stage::Stopping(Why::Interrupted),
            _ => return,
        };
        *stage = after;
        if let Stage::Stopping(why) = after {
            probe!("stopping", id.to_string(), why.name());
        }
        if let Some(built) = self.builds.get_mut(&build) {
            built.built = Some(built.waited);
            probe!("built", build.to_string(), built.waited.as_millis() as u64);
            self.effects.push(Effect::Tell(build, built.waited));
        }
        self.assign(now);
    }

    /// An agent's machine will be taken away.
    pub fn on_interrupted(&mut self, id: AgentId) {
        sometimes!("agent interrupted");
        match self.agents.get_mut(&id).map(|agent| &mut agent.stage) {
            Some(stage @ Stage::Busy(_)) => {
                if let Stage::Busy(build) = *stage {
                    *stage = Stage::Draining(build);
                }
            }
            Some(Stage::Idle { .. } | Stage::Launching(_)) => self.stop(id, Why::Interrupted),
            Some(Stage::Draining(_) | Stage::Stopping(_)) | None => {}
        }
    }

    /// An agent's connection has ended.
    pub fn on_lost(&mut self, id: AgentId, now: Duration) {
        match self.agents.get_mut(&id).map(|agent| &mut agent.stage) {
            Some(Stage::Launching(launch)) => launch.connected = false,
            Some(Stage::Idle { .. } | Stage::Busy(_) | Stage::Draining(_)) => self.stop(id, Why::Lost),
            Some(Stage::Stopping(_)) | None => {}
        }
        self.assign(now);
    }

    /// The connection to a zone is there. What it runs has to be told anew.
    pub fn on_zone_up(&mut self, zone: usize) {
        self.zones[zone] = Zone { is_up: true, ..Zone::default() };
    }

    /// It is gone.
    pub fn on_zone_down(&mut self, zone: usize) {
        self.zones[zone].is_up = false;
    }

    /// What time brings: deadlines, retirements, and launches.
    pub fn on_tick(&mut self, now: Duration) {
        let mut due = Vec::new();
        for (id, agent) in &self.agents {
            match agent.stage {
                Stage::Launching(launch) if now >= launch.deadline => due.push((*id, Some(Why::Deadline))),
                // The flaw: the launcher looks only now, and only if a poll has seen the task running.
                Stage::Launching(launch) if launch.seen_running && launch.connected => due.push((*id, None)),
                Stage::Idle { since } if now >= since + self.options.retention => {
                    due.push((*id, Some(Why::Retired)));
                }
                _ => {}
            }
        }
        for (id, why) in due {
            match why {
                Some(why) => self.stop(id, why),
                None => self.accept(id, now),
            }
        }
        self.launch(now);
    }

    /// What to ask a zone, now.
    pub fn next_call(&self, zone: usize, now: Duration) -> Next {
        let Zone { listed, quiet_until, .. } = self.zones[zone];
        if now < quiet_until {
            return Next::Wait(quiet_until - now);
        }
        let list_at = listed.map_or(Duration::ZERO, |listed| listed + self.options.reconcile);
        if now >= list_at {
            return Next::Call(Call::List);
        }
        let here = || self.agents.iter().filter(move |(_, agent)| agent.zone == zone);
        let stop = here().find_map(|(id, agent)| match agent.stage {
            Stage::Stopping(why) => Some(Call::Stop(*id, why)),
            _ => None,
        });
        let launches = || {
            here().filter_map(|(id, agent)| match agent.stage {
                Stage::Launching(launch) => Some((*id, launch)),
                _ => None,
            })
        };
        let run = || launches().find(|(_, launch)| !launch.is_made).map(|(id, _)| Call::Run(id));
        let polls = || launches().filter(|(_, launch)| launch.is_made);
        let poll = || polls().find(|(_, launch)| now >= launch.poll_at).map(|(id, _)| Call::Describe(id));
        if let Some(call) = stop.or_else(run).or_else(poll) {
            return Next::Call(call);
        }
        let at = polls().map(|(_, launch)| launch.poll_at).min().map_or(list_at, |at| at.min(list_at));
        Next::Wait(at - now)
    }

    /// What a zone has answered. Who is throttled waits as long as `jitter` says, from none to all of the pause.
    pub fn on_answer(&mut self, zone: usize, call: Call, answer: Answer, jitter: f64, now: Duration) {
        let of_zone = &mut self.zones[zone];
        if answer == Answer::Throttled {
            sometimes!("call throttled");
            of_zone.backoff = (of_zone.backoff * 2).clamp(BACKOFF, self.options.backoff_max.max(BACKOFF));
            of_zone.quiet_until = now + of_zone.backoff.mul_f64(0.5 + jitter / 2.0);
            return;
        }
        of_zone.backoff = Duration::ZERO;
        match (call, answer) {
            (Call::List, Answer::Listed(running)) => {
                of_zone.listed = Some(now);
                self.reconcile(zone, &running.into_iter().collect());
            }
            (Call::Run(id), Answer::Status(_)) => {
                let deadline = now + self.options.timeout;
                if let Some(launch) = self.launching(id) {
                    (launch.is_made, launch.deadline, launch.poll_at) = (true, deadline, now);
                }
            }
            (Call::Describe(id), Answer::Status(status)) => {
                let poll_at = now + self.options.poll;
                if status == Status::Stopped {
                    sometimes!("task failed to start");
                    self.gone(id);
                } else if let Some(launch) = self.launching(id) {
                    launch.poll_at = poll_at;
                    launch.seen_running |= status == Status::Running;
                }
            }
            (Call::Stop(id, _), Answer::Status(Status::Stopped)) => self.gone(id),
            // A zone that answers another question than it was asked is asked again.
            _ => {}
        }
        self.on_tick(now);
    }

    /// What a zone runs is what is known of it, from now on.
    fn reconcile(&mut self, zone: usize, running: &BTreeSet<AgentId>) {
        for id in running {
            if !self.agents.contains_key(id) {
                sometimes!("orphan found");
                self.agents.insert(*id, Agent { zone, stage: Stage::Stopping(Why::Orphan) });
                probe!("stopping", id.to_string(), Why::Orphan.name());
            }
        }
        let is_gone = |(id, agent): &(&AgentId, &Agent)| {
            let is_made = !matches!(agent.stage, Stage::Launching(Launch { is_made: false, .. }));
            agent.zone == zone && is_made && !running.contains(id)
        };
        let gone: Vec<AgentId> = self.agents.iter().filter(is_gone).map(|(id, _)| *id).collect();
        gone.into_iter().for_each(|id| self.gone(id));
    }

    fn launching(&mut self, id: AgentId) -> Option<&mut Launch> {
        match self.agents.get_mut(&id).map(|agent| &mut agent.stage) {
            Some(Stage::Launching(launch)) => Some(launch),
            _ => None,
        }
    }

    /// From now on the agent gets work.
    fn accept(&mut self, id: AgentId, now: Duration) {
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.stage = Stage::Idle { since: now };
            probe!("accepted", id.to_string());
        }
        self.assign(now);
    }

    /// From now on it gets none, and its zone is asked to end it until it says that it has.
    fn stop(&mut self, id: AgentId, why: Why) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let before = std::mem::replace(&mut agent.stage, Stage::Stopping(why));
        probe!("stopping", id.to_string(), why.name());
        self.give_back(before);
    }

    /// Its task is no more.
    fn gone(&mut self, id: AgentId) {
        if let Some(agent) = self.agents.remove(&id) {
            self.give_back(agent.stage);
            self.effects.push(Effect::HangUp(id));
        }
    }

    /// A build that was under way waits again, before all others.
    fn give_back(&mut self, stage: Stage) {
        if let Stage::Busy(build) | Stage::Draining(build) = stage {
            sometimes!("build queued again");
            self.queue.push_front(build);
        }
    }

    /// Gives what waits to agents that are idle, the last to become so first: the others may retire.
    fn assign(&mut self, now: Duration) {
        while let Some(build) = self.queue.front().copied() {
            let idle = self.agents.iter_mut().filter_map(|(id, agent)| match agent.stage {
                Stage::Idle { since } => Some((since, id, agent)),
                _ => None,
            });
            let Some((_, id, agent)) = idle.max_by_key(|(since, id, _)| (*since, **id)) else { break };
            agent.stage = Stage::Busy(build);
            self.queue.pop_front();
            let id = *id;
            if let Some(of_build) = self.builds.get_mut(&build) {
                of_build.waited = now.saturating_sub(of_build.asked);
                probe!("working", id.to_string(), build.to_string());
                self.effects.push(Effect::Work(id, build, of_build.lasts));
            }
        }
        self.launch(now);
    }

    /// Launches agents for builds that wait and have none on its way.
    fn launch(&mut self, now: Duration) {
        let on_their_way =
            self.agents.values().filter(|agent| matches!(agent.stage, Stage::Launching(_))).count();
        for _ in on_their_way..self.queue.len() {
            let Some(zone) = self.zone_with_room() else { return };
            self.launched += 1;
            let id = AgentId { life: self.life, number: self.launched };
            let launch = Launch {
                is_made: false,
                deadline: now + self.options.timeout,
                poll_at: now,
                seen_running: false,
                connected: false,
            };
            probe!("launching", id.to_string(), zone as u64 + 2);
            self.agents.insert(id, Agent { zone, stage: Stage::Launching(launch) });
        }
    }

    /// Of the zones that can be reached and have said what they run, the one with the fewest agents.
    fn zone_with_room(&self) -> Option<usize> {
        let agents = |zone: &usize| self.agents.values().filter(|agent| agent.zone == *zone).count();
        let usable = |zone: &usize| self.zones[*zone].is_up && self.zones[*zone].listed.is_some();
        let usable = (0..self.zones.len()).filter(usable);
        let fewest = usable.map(|zone| (agents(&zone), zone)).min()?;
        if fewest.0 < self.options.limit.get() as usize {
            return Some(fewest.1);
        }
        sometimes!("zone at its limit");
        None
    }
}
