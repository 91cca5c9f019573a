//! **refinement**: the bank takes no step that its specification, [`BankHeld`], does not allow.
//!
//! A record is a step of the specification from when it is durable: what a crash takes back nobody was told of, and
//! never was. What each record says is known from when it is appended (`writing`); it is durable when what follows from
//! it leaves (`written`), or when its branch comes back with it (`recovered`). A branch that comes back with less than
//! it had acted on took a step back, which is none.

use crate::specs::bank_held::{BankHeld, Step};
use host::probe::Value;
use host::world::{MachineId, Probe};
use protocols::bank::View;
use sim::check::Seen;
use sim::spec::Refinement;
use std::collections::{BTreeMap, VecDeque};

/// The specification, and what is known of each branch.
pub(super) struct Refines {
    bank: Refinement<BankHeld>,
    /// Transfers by their id: the specification numbers them.
    transfers: BTreeMap<String, u32>,
    branches: BTreeMap<MachineId, Branch>,
}

/// Of a branch, how many records are durable, and those behind them.
#[derive(Default)]
struct Branch {
    durable: u64,
    appended: VecDeque<Appended>,
}

/// What a record says.
enum Appended {
    /// Something at once, or money that is held.
    Money { what: String, id: String, act: String, from: u32, to: u32, amount: i64 },
    /// How a transfer goes on.
    Transfer { what: String, id: String },
}

impl Refines {
    pub(super) fn new() -> Self {
        let bank = Refinement::new(BankHeld::of_a_run());
        Refines { bank, transfers: BTreeMap::new(), branches: BTreeMap::new() }
    }

    /// What a probe says of the bank, held against the specification.
    pub(super) fn judge(&mut self, seen: &Seen<'_, View>) -> Result<(), String> {
        let Some((probe, host)) = seen.probe.and_then(|probe| Some((probe, probe.host?))) else {
            return Ok(());
        };
        match (probe.name, &probe.values[..]) {
            ("writing", _) => {
                self.branches.entry(host).or_default().appended.extend(Appended::of(probe));
                Ok(())
            }
            ("written", [_, _, Value::Uint(lsn)]) => self.durable(host, *lsn),
            ("recovered", [Value::Uint(found)]) => {
                let before = self.branches.entry(host).or_default().durable;
                if *found < before {
                    let (node, took) = (host.number(), before - found);
                    let back = format!("n{node} takes back {took} of {before} steps");
                    return self.bank.contradicts(format!("{back}; the specification takes none back"));
                }
                let steps = self.durable(host, *found);
                self.branches.entry(host).or_default().appended.clear();
                steps
            }
            _ => Ok(()),
        }
    }

    /// All records of a branch up to this one are durable.
    fn durable(&mut self, host: MachineId, lsn: u64) -> Result<(), String> {
        let branch = self.branches.entry(host).or_default();
        let more = lsn.saturating_sub(branch.durable) as usize;
        branch.durable = branch.durable.max(lsn);
        let steps: Vec<Appended> = branch.appended.drain(..more.min(branch.appended.len())).collect();
        for appended in steps {
            if let Some(step) = self.step(appended) {
                self.bank.step(step).map_err(|refused| format!("n{}, {refused}", host.number()))?;
            }
        }
        Ok(())
    }

    /// The step that a record is; none if nothing moves.
    fn step(&mut self, record: Appended) -> Option<Step> {
        match record {
            Appended::Money { what, id, from, to, amount, .. } if what == "reserved" => {
                let transfer = self.bank.state().transfers();
                self.transfers.insert(id, transfer);
                Some(Step::Hold { transfer, from, to, amount })
            }
            Appended::Money { act, from, to, amount, .. } => match &act[..] {
                "deposit" => Some(Step::Deposit { account: from, amount }),
                "withdraw" => Some(Step::Withdraw { account: from, amount }),
                "transfer" => Some(Step::Move { from, to, amount }),
                "close" => Some(Step::Close { account: from }),
                "reopen" => Some(Step::Reopen { account: from }),
                _ => None,
            },
            Appended::Transfer { what, id } => {
                // One that nobody holds money for is none of the specification's.
                let transfer = self.transfers.get(&id).copied().unwrap_or(u32::MAX);
                match &what[..] {
                    "credited" => Some(Step::PayIn { transfer }),
                    "declined" => Some(Step::Decline { transfer }),
                    "captured" => Some(Step::Capture { transfer }),
                    "released" => Some(Step::Release { transfer }),
                    _ => None,
                }
            }
        }
    }
}

impl Appended {
    /// What a record that is appended says.
    fn of(probe: &Probe) -> Option<Appended> {
        match &probe.values[..] {
            [what, id] => Some(Appended::Transfer { what: what.to_string(), id: id.to_string() }),
            [what, id, act, Value::Uint(from), Value::Uint(to), Value::Int(amount)] => {
                Some(Appended::Money {
                    what: what.to_string(),
                    id: id.to_string(),
                    act: act.to_string(),
                    from: *from as u32,
                    to: *to as u32,
                    amount: *amount,
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::check::Views;

    fn text(value: &str) -> Value {
        Value::from(value)
    }

    /// A deposit of 5 by the first record of n1, which is durable; a transfer of them by the second.
    fn judged(more: &[(u32, &'static str, Vec<Value>)]) -> Result<(), String> {
        let money = |what: &str, id: &str, act: &str, from: u32, to: u32, amount: i64| {
            vec![text(what), text(id), text(act), from.into(), to.into(), amount.into()]
        };
        let begin = [
            (1, "writing", money("done", "a.1", "deposit", 0, 0, 5)),
            (1, "written", vec![text("done"), text("a.1"), 1_u64.into()]),
            (1, "writing", money("reserved", "a.2", "transfer", 0, 1, 5)),
            (1, "written", vec![text("reserved"), text("a.2"), 2_u64.into()]),
        ];
        let (mut refines, views) = (Refines::new(), Views::new(Vec::new()));
        begin.iter().chain(more).try_for_each(|(node, name, values)| {
            let host = Some(MachineId::numbered(*node));
            let probe = Probe { at_ns: 0, host, name, values: values.clone() };
            refines.judge(&Seen::new(Some(&probe), &views))
        })
    }

    fn credited(lsn: u64) -> [(u32, &'static str, Vec<Value>); 2] {
        let ids = || vec![text("credited"), text("a.2")];
        [(2, "writing", ids()), (2, "written", [ids(), vec![lsn.into()]].concat())]
    }

    #[test]
    fn a_transfer_that_arrives_once_is_allowed_and_one_that_arrives_twice_is_not() {
        assert_eq!(judged(&credited(1)), Ok(()));
        let twice = judged(&[credited(1), credited(2)].concat()).unwrap_err();
        assert!(
            twice.starts_with("n2, step 4: PayIn(t1); the specification allows Capture(t1), and has t1 = "),
            "{twice}"
        );
    }

    #[test]
    fn a_branch_may_come_back_with_more_than_it_said_and_not_with_less() {
        let back = |found: u64| judged(&[(1, "recovered", vec![found.into()])]);
        assert_eq!((back(2), back(3)), (Ok(()), Ok(())));
        assert!(back(1).unwrap_err().contains("n1 takes back 1 of 2 steps"));
    }

    #[test]
    fn what_was_appended_and_is_gone_after_a_crash_was_no_step() {
        let [appended, written] = credited(1);
        let lost = (2, "recovered", vec![0_u64.into()]);
        assert_eq!(judged(&[appended.clone(), lost, appended, written]), Ok(()));
    }
}
