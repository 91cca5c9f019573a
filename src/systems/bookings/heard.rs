//! What was heard of a service: what it promised, and what its clients were told.

use super::View;
use host::probe::Value;
use host::world::{MachineId, Probe};
use protocols::bookings::{Currency, Date, Day, Id};
use sim::check::{Broken, Seen};
use std::collections::{BTreeMap, BTreeSet};

/// How much later than its time a timer may be: clocks drift.
const LATE_NS: u64 = 200_000_000;

/// What was promised, in order, and what clients were told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// By version, what stands there.
    promised: BTreeMap<u64, String>,
    /// By id, where it stands.
    placed: BTreeMap<String, u64>,
    /// By room and night, the booking that has it.
    sold: BTreeMap<(String, String), String>,
    /// By booking, its nights.
    nights: BTreeMap<String, Vec<(String, String)>>,
    /// The first night on offer, and the day after the last.
    offer: Option<(Day, Day)>,
    /// By room and night, what a client was told is no more on offer.
    withdrawn: BTreeSet<(String, String)>,
    /// What clients were told of: the price.
    booked: BTreeMap<Id, u64>,
    /// What a client has asked to be cancelled, answered or not.
    asked: BTreeSet<String>,
    cancelled: BTreeSet<Id>,
    /// The latest epoch in which a node has begun to serve.
    epoch: u64,
    /// Of each node's life: the last sync, and the last time that its timer was due.
    timers: BTreeMap<MachineId, Timer>,
    /// What is wrong with the last probe, by the checker that says so.
    wrong: Option<(&'static str, Broken)>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Timer {
    due_ns: u64,
    synced_ns: u64,
    /// The longest that it took from one time to the next; the first is from the begin of a life.
    period_ns: Option<u64>,
}

fn number(value: &Value) -> u64 {
    value.to_string().parse().unwrap_or_default()
}

fn day(text: &str) -> Option<Day> {
    text.parse::<Date>().and_then(Date::day).ok()
}

fn id(client: &Value, count: &Value) -> Id {
    Id { client: number(client), number: number(count) as u32 }
}

impl Heard {
    pub fn hear(&mut self, seen: &Seen<'_, View>) {
        self.wrong = None;
        let Some(probe) = seen.probe else { return };
        match (probe.name, &probe.values[..]) {
            ("booked", [version, id, room, check_in, check_out, _]) => {
                if self.is_news(version, id) {
                    self.sell(
                        &id.to_string(),
                        &room.to_string(),
                        &check_in.to_string(),
                        &check_out.to_string(),
                    );
                }
            }
            ("cancelled", [version, id, booking]) => {
                if self.is_news(version, id) {
                    for night in self.nights.remove(&booking.to_string()).unwrap_or_default() {
                        self.sold.remove(&night);
                    }
                }
            }
            ("changed" | "set aside", [version, id]) => {
                self.is_news(version, id);
            }
            ("told withdrawn", [room, night]) => {
                self.withdrawn.insert((room.to_string(), night.to_string()));
            }
            ("on offer", [first, end]) => self.offer = day(&first.to_string()).zip(day(&end.to_string())),
            ("serving", [epoch, _]) => self.epoch = self.epoch.max(number(epoch)),
            ("answer changed", [id]) => {
                let why = format!("{id} was answered twice, and not alike");
                self.wrong = Some(("version", Broken::new(why).item(id)));
            }
            ("told booked", [client, count, price]) => {
                self.booked.insert(id(client, count), number(price));
            }
            ("asks to cancel", [booking]) => {
                self.asked.insert(booking.to_string());
            }
            ("told cancelled", [client, count]) => {
                self.cancelled.insert(id(client, count));
            }
            _ => self.hear_timer(probe),
        }
    }

    /// Whether a line was not promised before. What stood there before must be the same.
    fn is_news(&mut self, version: &Value, id: &Value) -> bool {
        let (version, id) = (number(version), id.to_string());
        let before = self.promised.insert(version, id.clone());
        let elsewhere = self.placed.insert(id.clone(), version).filter(|there| *there != version);
        match (before, elsewhere) {
            (Some(before), _) if before != id => {
                let why = format!("line {version} was {before}, and is {id} now");
                self.wrong = Some(("version", Broken::new(why).item(&id)));
                true
            }
            (_, Some(there)) => {
                let why = format!("{id} was done as line {there}, and again as line {version}");
                self.wrong = Some(("version", Broken::new(why).item(&id)));
                true
            }
            (before, None) => before.is_none(),
        }
    }

    fn sell(&mut self, id: &str, room: &str, check_in: &str, check_out: &str) {
        let (Some(first), Some(end)) = (day(check_in), day(check_out)) else { return };
        let nights: Vec<_> = first.up_to(end).map(|day| (room.to_owned(), day.to_string())).collect();
        let is_outside = self.offer.is_some_and(|(begin, over)| first < begin || over < end);
        if is_outside || nights.iter().any(|night| self.withdrawn.contains(night)) {
            let why =
                format!("room {room} was sold to {id} from {check_in} to {check_out}: not all is on offer");
            self.wrong = Some(("offer", Broken::new(why).item(id)));
        }
        for night in &nights {
            if let Some(other) = self.sold.insert(night.clone(), id.to_owned()) {
                let why = format!("room {} was sold twice on {}: to {other} and to {id}", night.0, night.1);
                self.wrong = Some(("room", Broken::new(why).item(id)));
            }
        }
        self.nights.insert(id.to_owned(), nights);
    }

    fn hear_timer(&mut self, probe: &Probe) {
        let Some(host) = probe.host else { return };
        let timer = self.timers.entry(host).or_default();
        match probe.name {
            "recovered" => *timer = Timer { due_ns: probe.at_ns, synced_ns: probe.at_ns, period_ns: None },
            "snapshot due" => {
                let period = probe.at_ns - timer.due_ns;
                timer.period_ns = Some(timer.period_ns.map_or(period, |longest| longest.min(period)));
                timer.due_ns = probe.at_ns;
            }
            // A sync may take its time, and the timer waits for it: it is late if the sync before this one was.
            "durable" => {
                if let Some(period) = timer.period_ns
                    && timer.synced_ns.saturating_sub(timer.due_ns) > period + LATE_NS
                {
                    let late = (timer.synced_ns - timer.due_ns) / 1_000_000;
                    let why = format!("n{} has synced for {late} ms without a snapshot", host.number());
                    self.wrong = Some(("replay", Broken::new(why).node(host.number())));
                }
                timer.synced_ns = probe.at_ns;
            }
            _ => {}
        }
    }

    /// The verdict of one checker on the last probe.
    fn verdict(&self, checker: &str) -> Result<(), Broken> {
        match &self.wrong {
            Some((name, broken)) if *name == checker => Err(broken.clone()),
            _ => Ok(()),
        }
    }

    /// No room is sold twice for a night.
    pub fn sold_twice(&self, _: &Seen<'_, View>) -> Result<(), Broken> {
        self.verdict("room")
    }

    /// No room is sold for a night that is not on offer, or no more.
    pub fn sold_unoffered(&self, _: &Seen<'_, View>) -> Result<(), Broken> {
        self.verdict("offer")
    }

    /// No line is another later, and no command is done twice.
    pub fn used_twice(&self, _: &Seen<'_, View>) -> Result<(), Broken> {
        self.verdict("version")
    }

    /// The timer of the snapshots is due again and again.
    pub fn is_armed(&self, _: &Seen<'_, View>) -> Result<(), Broken> {
        self.verdict("replay")
    }

    /// A primary that begins to serve has what clients were told.
    pub fn is_kept(&self, seen: &Seen<'_, View>) -> Result<(), Broken> {
        let Some((node, view)) = self.begins_to_serve(seen) else { return Ok(()) };
        for booking in self.booked.keys() {
            let (is_there, text) = (view.booking(*booking).is_some(), booking.to_string());
            if !is_there && !self.asked.contains(&text) {
                let why = format!("n{node} does not know of {text}, which a guest was told is booked");
                return Err(Broken::new(why).node(node).item(&text));
            }
            if is_there && self.cancelled.contains(booking) {
                let why = format!("n{node} knows of {text}, which a guest was told is cancelled");
                return Err(Broken::new(why).node(node).item(&text));
            }
        }
        Ok(())
    }

    /// At the price that was told; and what was taken is what they cost.
    pub fn is_priced(&self, seen: &Seen<'_, View>) -> Result<(), Broken> {
        let Some((node, view)) = self.begins_to_serve(seen) else { return Ok(()) };
        for (id, told) in &self.booked {
            if let Some(booking) = view.booking(*id).filter(|booking| booking.price != *told) {
                let why = format!("{id} costs {} at n{node}, and the guest was told {told}", booking.price);
                return Err(Broken::new(why).node(node).item(id.to_string()));
            }
        }
        let is_off = |(_, (taken, cost)): &(Currency, (u64, u64))| taken != cost;
        match view.takings().into_iter().find(is_off) {
            Some((currency, (taken, cost))) => {
                let why = format!("n{node} has taken {taken} {currency}, for bookings of {cost}");
                Err(Broken::new(why).node(node))
            }
            None => Ok(()),
        }
    }

    /// The node that begins to serve, with what it knows. One that has not heard of a later epoch lets itself be read, and may
    /// be behind: what it is told waits for a standby that has gone on without it.
    fn begins_to_serve<'a>(&self, seen: &Seen<'a, View>) -> Option<(u32, &'a View)> {
        let probe = seen.on("serving")?;
        let node = probe.host?.number();
        let is_latest = probe.values.first().is_some_and(|epoch| number(epoch) == self.epoch);
        Some((node, seen.views.get(node).filter(|_| is_latest)?))
    }
}
