//! A bank of three processes on loopback, with real files: money moves, a branch is killed, and no penny is lost.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo build --release -p splitbrain-protocols --bin bank-branch
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --example bank
//! ```
//!
//! Give it the addresses of branches that run already (`127.0.0.1:7001,127.0.0.1:7002,…`), and it uses those instead.
#![allow(clippy::print_stdout)] // what happens is printed

#[cfg(madsim)]
fn main() {
    println!(
        "the bank uses real sockets: RUSTFLAGS=\"\" CARGO_TARGET_DIR=target/real cargo run --example bank"
    );
}

#[cfg(not(madsim))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(real::visit(std::env::args().nth(1)))
}

#[cfg(not(madsim))]
mod real {
    use protocols::bank::{AccountId, Act, Answer, BranchId, Client};
    use std::error::Error;
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};
    use std::path::Path;
    use std::process::{Child, Command};
    use std::time::Duration;

    const ACCOUNTS: u32 = 10;
    const EACH: i64 = 100;

    pub async fn visit(addresses: Option<String>) -> Result<(), Box<dyn Error>> {
        match addresses {
            Some(addresses) => {
                let branches =
                    addresses.split(',').map(str::parse).collect::<Result<Vec<SocketAddr>, _>>()?;
                move_money(&branches, |_| Ok(())).await
            }
            None => {
                let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr();
                let branches = [free()?, free()?, free()?];
                let folder = tempfile::tempdir()?;
                let mut processes = Vec::new();
                for number in 1..=3 {
                    processes.push(start(number, folder.path(), &branches)?);
                }
                let mut second = processes.remove(1);
                let moved = move_money(&branches, |transfers| {
                    if transfers == 50 {
                        println!("b2 is killed, and started again");
                        second.kill()?;
                        second.wait()?;
                        second = start(2, folder.path(), &branches)?;
                    }
                    Ok(())
                });
                let moved = moved.await;
                for process in processes.iter_mut().chain([&mut second]) {
                    process.kill()?;
                    process.wait()?;
                }
                moved
            }
        }
    }

    fn start(number: u16, folder: &Path, branches: &[SocketAddr]) -> Result<Child, Box<dyn Error>> {
        // Examples are built into a folder beside the programs.
        let example = std::env::current_exe()?;
        let program = example.ancestors().nth(2).ok_or("no such folder")?.join("bank-branch");
        let addresses: Vec<String> = branches.iter().map(ToString::to_string).collect();
        let mut command = Command::new(program);
        command.arg(number.to_string()).arg(folder.join(number.to_string())).arg(addresses.join(","));
        Ok(command.spawn()?)
    }

    async fn move_money(
        branches: &[SocketAddr],
        mut after: impl FnMut(u32) -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let mut client = Client::new(branches.to_vec());
        for account in 0..ACCOUNTS {
            request(&mut client, Act::Deposit(AccountId(account), EACH)).await;
        }
        for transfer in 0..100 {
            after(transfer)?;
            let (from, to) = (AccountId(transfer % ACCOUNTS), AccountId((transfer * 7 + 3) % ACCOUNTS));
            let answer = request(&mut client, Act::Transfer(from, to, 1 + i64::from(transfer % 20))).await;
            if answer != Answer::Done {
                println!("{from} to {to}: {answer:?}");
            }
        }
        let audit = loop {
            match client.audit(BranchId(1)).await {
                Ok(audit) => break audit,
                Err(error) => println!("no audit yet: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        for (account, money) in &audit.accounts {
            println!("{account}: {}", money.balance());
        }
        println!("{} in all, {} in flight, {} deposited", audit.available, audit.in_flight, audit.deposited);
        if audit.balances() { Ok(()) } else { Err("the bank has lost money".into()) }
    }

    /// Asks until there is an answer.
    async fn request(client: &mut Client, act: Act) -> Answer {
        let id = client.new_id();
        loop {
            match client.request(id, act).await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}
