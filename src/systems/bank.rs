//! The bank under test.
//!
//! Clients deposit, withdraw and transfer money, close accounts and open them again, ask for balances and audit the
//! whole bank. They send a request again, with its id, until it is answered. Some ask for what was done already once
//! more (`repeat`), some send a transfer and go (`abandon`). `hot-` operations choose accounts by Zipf's law.
//!
//! Judged: **balance** (no account is ever below zero), **closed** (no money moves on a closed account),
//! **conservation** (in every audit, and at every instant with all branches up, what is on accounts and in flight is
//! what was deposited less what was withdrawn), **once** (no request, and no leg of a transfer, is written twice),
//! **durability** (a branch comes back with every record that anything had followed from), **ends** (after the heal no
//! transfer is under way), **refinement** (it takes no step but its specification's: see `refinement.rs`) and
//! **linearizable** (each account by itself: see `account_model.rs`).

mod account_model;
mod refinement;

use account_model::AccountModel;
use host::world::MachineId;
use protocols::bank::{
    self, AccountId, Act, Answer, Audit, BranchId, Client as Connection, ClientError, Config, Id, Options,
    Refusal, View,
};
use refinement::Refines;
use serde::{Deserialize, Serialize};
use sim::check::{Broken, Checkers, Harm, Seen, Views};
use sim::{Choice, Client, ClientContext, Draw, NodeContext, Operation, Outcome, System};
use std::collections::{BTreeMap, HashSet};
use std::io;

/// Amounts are drawn from 1 to this.
const AMOUNT_MAX: u64 = 10;

/// The bank.
#[derive(Debug)]
pub struct Bank;

/// What a client can be told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Put money on an account.
    Deposit(u32, i64),
    /// Take money from it.
    Withdraw(u32, i64),
    /// Move money from the first to the second.
    Transfer(u32, u32, i64),
    /// The same, and go without waiting for the answer.
    Abandon(u32, u32, i64),
    /// Ask again for what this client asked for last, with the same id.
    Repeat,
    /// Close an account.
    Close(u32),
    /// Open it again.
    Open(u32),
    /// How much is on it?
    Balance(u32),
    /// Is no penny lost?
    Audit,
    /// Ask for what is never done, of this account: there is none such, or no such amount, or no such transfer.
    Stray(u32, Stray),
}

/// What is never done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stray {
    /// To pay into an account behind the last.
    Unknown,
    /// To pay in nothing.
    Nothing,
    /// To take out less than nothing.
    Negative,
    /// To pay in more than can be moved at once.
    TooMuch,
    /// To move money to where it is.
    ToItself,
    /// To do something else under the id of what was done last; where nothing was, to pay in nothing.
    Reused,
}

/// What a client gets back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    /// It was done.
    Done,
    /// It was not.
    Refused(Refusal),
    /// A transfer came back.
    Refunded(Refusal),
    /// So much is available.
    Balance(i64),
    /// The sums of an audit: available, in flight, deposited, withdrawn.
    Audit(i64, i64, i64, i64),
}

impl System for Bank {
    type Options = Options;
    type Op = Op;
    type Ret = Ret;
    type View = View;

    const NAME: &'static str = "bank";

    fn operations() -> &'static [Operation<Op>] {
        &[
            Operation("deposit", |mix, draw| Op::Deposit(mix.key(draw), amount(draw))),
            Operation("withdraw", |mix, draw| Op::Withdraw(mix.key(draw), amount(draw))),
            Operation("transfer", |mix, draw| Op::Transfer(mix.key(draw), mix.key(draw), amount(draw))),
            Operation("balance", |mix, draw| Op::Balance(mix.key(draw))),
            Operation("hot-deposit", |mix, draw| Op::Deposit(mix.hot_key(draw), amount(draw))),
            Operation("hot-withdraw", |mix, draw| Op::Withdraw(mix.hot_key(draw), amount(draw))),
            Operation("hot-transfer", |mix, draw| {
                Op::Transfer(mix.hot_key(draw), mix.hot_key(draw), amount(draw))
            }),
            Operation("hot-balance", |mix, draw| Op::Balance(mix.hot_key(draw))),
            Operation("abandon", |mix, draw| Op::Abandon(mix.key(draw), mix.key(draw), amount(draw))),
            Operation("repeat", |_, _| Op::Repeat),
            Operation("close", |mix, draw| Op::Close(mix.key(draw))),
            Operation("open", |mix, draw| Op::Open(mix.key(draw))),
            Operation("audit", |_, _| Op::Audit),
            Operation("stray", |mix, draw| {
                use Stray::{Negative, Nothing, Reused, ToItself, TooMuch, Unknown};
                Op::Stray(mix.key(draw), *draw.pick(&[Unknown, Nothing, Negative, TooMuch, ToItself, Reused]))
            }),
        ]
    }

    fn probes() -> Vec<&'static str> {
        [bank::PROBES, &[STRAY_DONE]].concat()
    }

    fn choices() -> &'static [Choice] {
        &[
            Choice { option: "balance_below", among: &["50", "2000", "1000000000"] },
            Choice { option: "amount_max", among: &["10", "100", "1000000"] },
            Choice { option: "retry", among: &["\"100ms\"", "\"500ms\"", "\"2s\""] },
            Choice { option: "peer_timeout", among: &["\"500ms\"", "\"2s\"", "\"6s\""] },
            Choice { option: "redial", among: &["\"20ms\"", "\"200ms\"", "\"1s\""] },
            Choice { option: "snapshot_bytes", among: &["512", "4096", "65536"] },
            Choice { option: "segment_bytes", among: &["512", "2048", "32768"] },
        ]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        let disk = node.disk();
        let config =
            Config { id: BranchId(node.id as u16), branches: node.nodes.clone(), options: node.options };
        match bank::run(config, disk).await {
            // Its process has ended with a message for people, and none will start it again before they have come.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                host::probe!("log corrupt", error.to_string());
                std::future::pending().await
            }
            ended => ended,
        }
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, Ret> {
        let auditor = BranchId((client.id as usize % client.nodes.len()) as u16 + 1);
        BankClient { auditor, bank: Connection::new(client.nodes), options: client.options, last: None }
    }

    fn checkers(&self) -> Checkers<Op, Ret, View> {
        let mut written = Written::default();
        let mut durable = BTreeMap::new();
        let mut refines = Refines::new();
        Checkers::new()
            .invariant("balance", |seen| if is_news(seen) { above_zero(seen.views) } else { Ok(()) })
            .invariant("closed", closed_is_still)
            .invariant("refused", strays_are_refused)
            .invariant("conservation", |seen| {
                audited(seen)?;
                if is_news(seen) { conserved(seen.views) } else { Ok(()) }
            })
            .invariant("once", move |seen| written.once(seen))
            .invariant("durability", move |seen| came_back(&mut durable, seen))
            .invariant("refinement", move |seen| refines.judge(seen))
            .eventually("ends", ended)
            .linearizable_in_parts(AccountModel, account_model::split)
            .recovers_if(intact)
    }
}

fn amount(draw: &mut Draw) -> i64 {
    draw.between(1, AMOUNT_MAX) as i64
}

const STRAY_DONE: &str = "what is never done was not refused";

/// A client, and what it asked for last.
struct BankClient {
    auditor: BranchId,
    bank: Connection,
    options: Options,
    last: Option<(Id, Act, Answer)>,
}

impl Client<Op, Ret> for BankClient {
    async fn call(&mut self, op: &Op) -> Outcome<Ret> {
        let account = AccountId;
        let result = match *op {
            Op::Deposit(to, amount) => self.request(Act::Deposit(account(to), amount)).await,
            Op::Withdraw(from, amount) => self.request(Act::Withdraw(account(from), amount)).await,
            Op::Transfer(from, to, amount) => {
                self.request(Act::Transfer(account(from), account(to), amount)).await
            }
            Op::Close(closed) => self.request(Act::Close(account(closed))).await,
            Op::Open(opened) => self.request(Act::Reopen(account(opened))).await,
            Op::Abandon(from, to, amount) => {
                let id = self.bank.new_id();
                match self.bank.abandon(id, Act::Transfer(account(from), account(to), amount)).await {
                    Ok(()) => return Outcome::Unknown("abandoned".to_owned()),
                    Err(error) => Err(error),
                }
            }
            Op::Repeat => match self.last {
                Some((id, act, answer)) => self.bank.request(id, act).await.map(|again| {
                    if again != answer {
                        host::probe!("answer changed", id.to_string());
                    }
                    ret(again)
                }),
                None => return Outcome::Fail("nothing to repeat".to_owned()),
            },
            Op::Stray(account, how) => self.stray(account, how).await,
            Op::Balance(of) => self.bank.balance(account(of)).await.map(|told| match told {
                Ok(account) => Ret::Balance(account.available),
                Err(refusal) => Ret::Refused(refusal),
            }),
            Op::Audit => self.bank.audit(self.auditor).await.map(|audit| {
                let Audit { available, in_flight, deposited, withdrawn, .. } = audit;
                Ret::Audit(available, in_flight, deposited, withdrawn)
            }),
        };
        match result {
            Ok(ret) => Outcome::Ok(ret),
            Err(error) if error.is_definite() => Outcome::Fail(error.to_string()),
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }
}

impl BankClient {
    async fn stray(&mut self, account: u32, how: Stray) -> Result<Ret, ClientError> {
        let own = AccountId(account);
        // What was refused may not have been written down, and the id with it.
        let done = self.last.filter(|(.., answer)| *answer == Answer::Done);
        if let (Stray::Reused, Some((id, act, _))) = (how, done) {
            return self.reuse(id, act).await;
        }
        let act = match how {
            Stray::Unknown => Act::Deposit(AccountId(self.options.accounts + account % 2), 1),
            Stray::Nothing | Stray::Reused => Act::Deposit(own, 0),
            Stray::Negative => Act::Withdraw(own, -1),
            Stray::TooMuch => Act::Deposit(own, self.options.amount_max + 1),
            Stray::ToItself => Act::Transfer(own, own, 1),
        };
        let answer = self.request(act).await?;
        if !matches!(answer, Ret::Refused(_)) {
            host::probe!(STRAY_DONE, format!("{act:?}"));
        }
        Ok(answer)
    }

    /// Asks for something else, of the same account, with the id of what was done.
    async fn reuse(&mut self, id: Id, done: Act) -> Result<Ret, ClientError> {
        let other = match done {
            Act::Close(account) => Act::Reopen(account),
            _ => Act::Close(done.account()),
        };
        let answer = self.bank.request(id, other).await?;
        if answer != Answer::Refused(Refusal::IdReused) {
            host::probe!(STRAY_DONE, format!("{other:?}, with the id of {done:?},"));
        }
        Ok(ret(answer))
    }

    async fn request(&mut self, act: Act) -> Result<Ret, ClientError> {
        let id = self.bank.new_id();
        let answer = self.bank.request(id, act).await?;
        // What had no answer is not asked for again: it would be done now.
        self.last = Some((id, act, answer));
        Ok(ret(answer))
    }
}

fn ret(answer: Answer) -> Ret {
    match answer {
        Answer::Done => Ret::Done,
        Answer::Refused(refusal) => Ret::Refused(refusal),
        Answer::Refunded(refusal) => Ret::Refunded(refusal),
    }
}

/// Whether books may have changed: they do when a record is appended, not when it is durable.
fn is_news(seen: &Seen<'_, View>) -> bool {
    seen.probe.is_none_or(|probe| probe.name != "written")
}

/// No account is below zero.
fn above_zero(views: &Views<View>) -> Result<(), Broken> {
    let mut below = None;
    for (id, view) in views.up() {
        view.each_account(|account, money| {
            if money.available < 0 || money.held < 0 {
                below.get_or_insert_with(|| {
                    let why = format!("{account} at n{id} has {}, and {} held", money.available, money.held);
                    Broken::new(why).node(id).key(account.0)
                });
            }
        });
    }
    below.map_or(Ok(()), Err)
}

/// No money moves on a closed account.
fn closed_is_still(seen: &Seen<'_, View>) -> Result<(), Broken> {
    match seen.probe.filter(|probe| probe.name == "closed account moved") {
        Some(probe) => {
            let account = &probe.values[0];
            let why = format!("money was moved on account {account}, which is closed");
            Err(Broken::new(why).key(account))
        }
        None => Ok(()),
    }
}

/// What is never done is refused.
fn strays_are_refused(seen: &Seen<'_, View>) -> Result<(), Broken> {
    match seen.probe.filter(|probe| probe.name == STRAY_DONE) {
        Some(probe) => Err(Broken::new(format!("the answer to {} was no refusal", probe.values[0]))),
        None => Ok(()),
    }
}

/// An audit balances.
fn audited(seen: &Seen<'_, View>) -> Result<(), Broken> {
    let Some(probe) = seen.on("audit") else { return Ok(()) };
    let sums: Vec<i64> = probe.values.iter().filter_map(|value| value.to_string().parse().ok()).collect();
    match sums[..] {
        [available, in_flight, deposited, withdrawn] if available + in_flight != deposited - withdrawn => {
            let why = format!(
                "an audit found {available} and {in_flight} in flight, of {deposited} deposited and {withdrawn} \
                 withdrawn"
            );
            Err(why.into())
        }
        _ => Ok(()),
    }
}

/// What is on accounts and in flight, everywhere and now, is what was deposited less what was withdrawn.
fn conserved(views: &Views<View>) -> Result<(), Broken> {
    let up: Vec<(u32, &View)> = views.up().collect();
    let branches = up.first().map_or(0, |(_, view)| usize::from(view.branches()));
    if up.len() < branches {
        return Ok(());
    }
    let (mut balances, mut arrived, mut paid_in) = (0, 0, 0);
    for (_, view) in &up {
        view.each_account(|_, account| balances += account.balance());
        paid_in += view.deposited_less_withdrawn();
    }
    for (_, view) in &up {
        let mut held = Vec::new();
        view.each_held(|id, transfer| held.push((id, *transfer)));
        for (id, transfer) in held {
            let home = views.get(u32::from(view.home(transfer.to).0));
            if home.is_some_and(|home| home.has_arrived(id)) {
                arrived += transfer.amount;
            }
        }
    }
    let found = balances - arrived;
    if found == paid_in {
        Ok(())
    } else {
        Err(format!("there is {found} in the bank, and {paid_in} was paid in").into())
    }
}

/// What was written so far.
#[derive(Default)]
struct Written(HashSet<(&'static str, String)>);

impl Written {
    /// No request is decided twice, no transfer arrives twice, none ends twice.
    fn once(&mut self, seen: &Seen<'_, View>) -> Result<(), Broken> {
        let Some(probe) = seen.probe else { return Ok(()) };
        let (what, id) = match (probe.name, &probe.values[..]) {
            ("answer changed", [id]) => {
                return Err(Broken::new(format!("{id} was answered twice, and not alike")).item(id));
            }
            ("written", [what, id, _]) => (what, id),
            _ => return Ok(()),
        };
        let (what, id) = (what.to_string(), id.to_string());
        let step = match what.as_str() {
            "done" | "refused" | "reserved" => "request",
            "credited" | "declined" => "arrival",
            "captured" | "released" => "end",
            _ => return Ok(()),
        };
        if self.0.insert((step, id.clone())) {
            return Ok(());
        }
        Err(Broken::new(format!("{id} was {what}, and its {step} had been written before")).item(id))
    }
}

/// A branch comes back with all that anything had followed from.
fn came_back(durable: &mut BTreeMap<MachineId, u64>, seen: &Seen<'_, View>) -> Result<(), Broken> {
    let Some((probe, host)) = seen.probe.and_then(|probe| Some((probe, probe.host?))) else { return Ok(()) };
    let lsn = |value: &host::probe::Value| value.to_string().parse::<u64>().unwrap_or_default();
    match (probe.name, &probe.values[..]) {
        ("written", [_, _, at]) => {
            let latest = durable.entry(host).or_default();
            *latest = lsn(at).max(*latest);
            Ok(())
        }
        ("recovered", [found]) => {
            let (found, latest) = (lsn(found), durable.get(&host).copied().unwrap_or_default());
            if found >= latest {
                return Ok(());
            }
            let why = format!("n{} came back with {found} records, and had acted on {latest}", host.number());
            Err(Broken::new(why).node(host.number()))
        }
        _ => Ok(()),
    }
}

/// All branches are up, and no transfer is under way.
fn ended(views: &Views<View>) -> Result<(), Broken> {
    let branches = views.up().next().map_or(0, |(_, view)| usize::from(view.branches()));
    let up = views.up().count();
    if up == 0 || up < branches {
        return Err(format!("{up} branches are up, of {}", branches.max(1)).into());
    }
    match views.up().find(|(_, view)| view.held() > 0) {
        Some((id, view)) => {
            Err(Broken::new(format!("{} transfers of n{id} are under way", view.held())).node(id))
        }
        None => Ok(()),
    }
}

/// There is one copy of each account: the bank recovers as long as no branch is gone, and no disk has lost what it
/// promised to keep.
fn intact(harm: &[Harm]) -> Result<(), Broken> {
    match (1..).zip(harm).find_map(|(number, harm)| Some((number, harm.loss()?))) {
        Some((number, loss)) => {
            Err(Broken::new(format!("n{number} {loss}, and there is no other copy")).node(number))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
