//! What a branch does with input that is wrong, or meant to be: it refuses, or drops the connection and counts it; it
//! lives on either way.
#![cfg(not(madsim))]
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

use host::disk::Disk;
use protocols::bank::{AccountId, Act, Answer, BranchId, Client, Config, Options, Refusal, Summary, serve};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const LOCALHOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Branch b1 of a bank with two, whose b2 is us.
struct Branch {
    address: SocketAddr,
    other: TcpListener,
    task: JoinHandle<std::io::Result<()>>,
    _folder: TempDir,
}

impl Branch {
    async fn start() -> Branch {
        let (listener, other) =
            (TcpListener::bind(LOCALHOST).await.unwrap(), TcpListener::bind(LOCALHOST).await.unwrap());
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::at(folder.path()).await.unwrap();
        // So many accounts that this branch is told from those of other tests.
        let options = Options { accounts: 1 + u32::from(address.port()), ..Options::default() };
        let branches = vec![address, other.local_addr().unwrap()];
        let task = tokio::spawn(serve(listener, Config { id: BranchId(1), branches, options }, disk));
        Branch { address, other, task, _folder: folder }
    }

    fn client(&self) -> Client {
        Client::new(vec![self.address, self.other.local_addr().unwrap()])
    }

    /// The accounts of a branch.
    fn accounts(&self, branch: u16) -> impl Iterator<Item = AccountId> {
        let client = self.client();
        (0..).map(AccountId).filter(move |account| client.home(*account) == BranchId(branch))
    }

    /// Puts a sum on an account that no other branch of this process has, and finds the view of this one by it.
    async fn summary(&self) -> Summary {
        let mut client = self.client();
        let (account, sum) = (self.accounts(1).nth(9).unwrap(), i64::from(self.address.port()));
        let id = client.new_id();
        assert_eq!(client.request(id, Act::Deposit(account, sum)).await.unwrap(), Answer::Done);
        let debug_port = TcpListener::bind(LOCALHOST).await.unwrap();
        let address = debug_port.local_addr().unwrap();
        tokio::spawn(host::view::serve(debug_port));
        let mut json = String::new();
        TcpStream::connect(address).await.unwrap().read_to_string(&mut json).await.unwrap();
        let views: Vec<Summary> = serde_json::from_str(&json).unwrap();
        let is_ours = |view: &Summary| {
            view.part.accounts.iter().any(|(id, money)| *id == account && money.available == sum)
        };
        views.into_iter().find(is_ours).unwrap()
    }

    /// Sends bytes after a greeting, and waits until the branch hangs up.
    async fn is_hung_up_on(&self, frames: &[Vec<u8>]) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        for frame in frames {
            // It may have hung up already.
            let _ = stream.write_all(frame).await;
        }
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await;
        // A reset is as good as an end.
        drop(read.expect("it hangs up"));
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn frame(message: &impl Serialize) -> Vec<u8> {
    let body = postcard::to_stdvec(message).unwrap();
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

/// Greetings, as the wire has them: a branch with its number, and a client.
fn branch(number: u16) -> Vec<u8> {
    frame(&(0_u8, number))
}

fn client() -> Vec<u8> {
    frame(&1_u8)
}

/// "Pay this in", as the wire has it.
fn credit(from: AccountId, to: AccountId, amount: i64) -> Vec<u8> {
    frame(&(0_u64, 0_u8, (1_u64, 1_u32), (from, to, amount)))
}

#[tokio::test]
async fn frames_that_make_no_sense_cost_their_connection_and_are_counted() {
    let branch_one = Branch::start().await;
    let (ours, theirs) = (branch_one.accounts(1).next().unwrap(), branch_one.accounts(2).next().unwrap());
    let nonsense: &[&[Vec<u8>]] = &[
        &[frame(&[9_u8; 3])],
        &[vec![0xff; 64]],
        &[client(), frame(&[0xff_u8; 30])],
        &[client(), vec![0x7f, 0xff, 0xff, 0xff]],
        // More than the message.
        &[client(), frame(&(1_u64, 2_u8, 0_u8))],
        // Branches that there are none of, and this one itself.
        &[branch(0)],
        &[branch(1)],
        &[branch(3)],
        &[branch(2), frame(&[0xff_u8; 30])],
        // Money that the other branch cannot hold, and none to pay it to.
        &[branch(2), credit(ours, ours, 5)],
        &[branch(2), credit(theirs, theirs, 5)],
        &[branch(2), credit(theirs, ours, 0)],
        &[branch(2), credit(theirs, ours, -5)],
        &[branch(2), credit(theirs, ours, i64::MAX)],
        // More cuts than there was time for.
        &[branch(2), frame(&(u64::MAX, 1_u8, 1_u64))],
    ];
    for frames in nonsense {
        branch_one.is_hung_up_on(frames).await;
    }
    let summary = branch_one.summary().await;
    assert_eq!(summary.malformed_frames, nonsense.len() as u64);
    assert!(summary.part.accounts.iter().all(|(account, _)| *account != ours));
}

#[tokio::test]
async fn a_credit_that_makes_sense_is_paid_in() {
    let branch_one = Branch::start().await;
    let (ours, theirs) = (branch_one.accounts(1).next().unwrap(), branch_one.accounts(2).next().unwrap());
    let mut stream = TcpStream::connect(branch_one.address).await.unwrap();
    stream.write_all(&[branch(2), credit(theirs, ours, 5), credit(theirs, ours, 5)].concat()).await.unwrap();
    // Two answers, each with its length.
    for _ in 0..2 {
        let length = stream.read_u32().await.unwrap();
        let mut answer = vec![0; length as usize];
        stream.read_exact(&mut answer).await.unwrap();
    }
    let summary = branch_one.summary().await;
    assert_eq!(summary.malformed_frames, 0);
    let paid_in = summary.part.accounts.iter().find(|(account, _)| *account == ours).unwrap();
    assert_eq!(paid_in.1.available, 5);
}

#[tokio::test]
async fn a_client_is_told_what_is_wrong() {
    let branch_one = Branch::start().await;
    let mut client = branch_one.client();
    let account = branch_one.accounts(1).next().unwrap();
    let unknown = branch_one.accounts(1).find(|account| account.0 > 70_000).unwrap();
    let max = Options::default().amount_max;
    let wrong = [
        (Act::Deposit(account, -1), Refusal::NotPositive { amount: -1 }),
        (Act::Withdraw(account, 0), Refusal::NotPositive { amount: 0 }),
        (Act::Deposit(account, i64::MAX), Refusal::TooLarge { amount: i64::MAX, max }),
        (Act::Transfer(account, account, 1), Refusal::ToItself { account }),
        (Act::Withdraw(account, 1), Refusal::Insufficient { available: 0, amount: 1 }),
        (Act::Reopen(account), Refusal::Open),
    ];
    for (act, refusal) in wrong {
        let id = client.new_id();
        assert_eq!(client.request(id, act).await.unwrap(), Answer::Refused(refusal));
    }
    let id = client.new_id();
    let told = client.request(id, Act::Deposit(unknown, 1)).await.unwrap();
    assert!(matches!(told, Answer::Refused(Refusal::UnknownAccount { .. })), "{told:?}");
    assert!(matches!(client.balance(unknown).await.unwrap(), Err(Refusal::UnknownAccount { .. })));
    let id = client.new_id();
    assert_eq!(client.request(id, Act::Deposit(account, 5)).await.unwrap(), Answer::Done);
    let reused = client.request(id, Act::Deposit(account, 6)).await.unwrap();
    assert_eq!(reused, Answer::Refused(Refusal::IdReused));
    assert_eq!(client.balance(account).await.unwrap().unwrap().available, 5);
}
