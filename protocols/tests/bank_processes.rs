//! The bank as three processes on loopback, with real files, and SIGKILL.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use protocols::bank::{AccountId, Act, Answer, Audit, BranchId, Client, Id};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const TRANSFERS: u32 = 10_000;
const CLIENTS: u32 = 50;
const ACCOUNTS: u32 = 60;
const EACH: i64 = 1000;

/// A branch, and its end with it.
struct Branch(Child);

impl Branch {
    fn start(number: u16, folder: &Path, branches: &[SocketAddr]) -> Branch {
        let addresses: Vec<String> = branches.iter().map(ToString::to_string).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bank-branch"));
        command.arg(number.to_string()).arg(folder.join(number.to_string())).arg(addresses.join(","));
        Branch(command.spawn().unwrap())
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until there is an answer: a branch that is down comes back.
async fn request(client: &mut Client, id: Id, act: Act) -> Answer {
    loop {
        match client.request(id, act).await {
            Ok(answer) => return answer,
            Err(error) if error.is_definite() => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("it asks for ever: {error}"),
        }
    }
}

async fn audit(client: &mut Client, through: BranchId) -> Audit {
    loop {
        match client.audit(through).await {
            Ok(audit) => return audit,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One client's share of the transfers, and what became of them.
async fn transfer(branches: Vec<SocketAddr>, number: u32, done: Arc<AtomicU32>) -> Vec<(Id, Act, Answer)> {
    let mut client = Client::new(branches);
    let mut answers = Vec::new();
    for round in 0..TRANSFERS / CLIENTS {
        let from = AccountId((number * 7 + round * 13) % ACCOUNTS);
        let to = AccountId((from.0 + 1 + round % (ACCOUNTS - 1)) % ACCOUNTS);
        let (id, act) = (client.new_id(), Act::Transfer(from, to, 1 + i64::from(round % 100)));
        answers.push((id, act, request(&mut client, id, act).await));
        done.fetch_add(1, Ordering::Relaxed);
    }
    answers
}

#[tokio::test]
async fn a_branch_that_is_killed_amid_ten_thousand_transfers_costs_no_penny() {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // All three are held at once, so that no two are alike.
    let branches = [free(), free(), free()].map(|listener| listener.local_addr().unwrap()).to_vec();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut processes: Vec<Branch> =
        (1..=3).map(|number| Branch::start(number, folder.path(), &branches)).collect();

    let mut teller = Client::new(branches.clone());
    for account in 0..ACCOUNTS {
        let (id, act) = (teller.new_id(), Act::Deposit(AccountId(account), EACH));
        assert_eq!(request(&mut teller, id, act).await, Answer::Done);
    }
    let done = Arc::new(AtomicU32::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(transfer(branches.clone(), number, Arc::clone(&done))))
        .collect();
    while done.load(Ordering::Relaxed) < TRANSFERS / 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    processes[1].kill();
    let answered = done.load(Ordering::Relaxed);
    assert!(answered < TRANSFERS, "it was to be in the middle");
    tokio::time::sleep(Duration::from_millis(100)).await;
    processes[1] = Branch::start(2, folder.path(), &branches);
    // While transfers run.
    let midway = audit(&mut teller, BranchId(1)).await;
    assert!(midway.balances(), "{midway:?}");

    let mut moved = 0;
    for client in clients {
        for (id, act, answer) in client.await.unwrap() {
            moved += u32::from(answer == Answer::Done);
            // An id has one answer, for ever.
            if id.number % 50 == 1 {
                assert_eq!(request(&mut teller, id, act).await, answer);
            }
        }
    }
    assert!(moved > TRANSFERS / 2, "only {moved} of {TRANSFERS} were not refused");
    for branch in 1..=3 {
        let audit = audit(&mut teller, BranchId(branch)).await;
        assert!(audit.balances(), "{audit:?}");
        assert_eq!((audit.available, audit.in_flight), (i64::from(ACCOUNTS) * EACH, 0));
        assert!(audit.accounts.iter().all(|(_, account)| account.available >= 0 && account.held == 0));
    }
}
