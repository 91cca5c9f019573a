//! A node of the booking service as a process of its own, with real sockets and files; and what was set aside.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --bin bookings -- \
//!     serve 1 /tmp/bookings-1 127.0.0.1:7101,127.0.0.1:7102
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --bin bookings -- \
//!     poison list /tmp/bookings-1
//! ```
//!
//! `serve` takes its number, its folder and the addresses of both nodes. `poison list|discard|compensate` take the folder
//! of a node that does not run, and the line that is to be settled. What is on offer is in `options.json` of the folder.
#![allow(clippy::print_stderr, clippy::print_stdout)] // a process says what it found, and why it ends

use std::process::ExitCode;

#[cfg(madsim)]
fn main() -> ExitCode {
    eprintln!("a node uses real sockets and files: RUSTFLAGS=\"\" CARGO_TARGET_DIR=target/real cargo run …");
    ExitCode::FAILURE
}

#[cfg(not(madsim))]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match real::main(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bookings: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(madsim))]
mod real {
    use host::disk::Disk;
    use protocols::bookings::{self, Config, Options, Poison, Settlement, Version};
    use std::error::Error;
    use std::io::ErrorKind;
    use std::net::{AddrParseError, SocketAddr};

    const USAGE: &str = "bookings serve NUMBER FOLDER ADDRESS[,ADDRESS]\n\
                         \x20         bookings poison list FOLDER\n\
                         \x20         bookings poison discard|compensate FOLDER LINE";

    pub fn main(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match arguments {
                ["serve", number, folder, addresses] => {
                    let nodes: Vec<SocketAddr> =
                        addresses.split(',').map(str::parse).collect::<Result<_, AddrParseError>>()?;
                    let (disk, options) = open(folder).await?;
                    Ok(bookings::run(Config { id: number.parse()?, nodes, options }, disk).await?)
                }
                ["poison", "list", folder] => list(folder).await,
                ["poison", "discard", folder, line] => settle(folder, line, Settlement::Discard).await,
                ["poison", "compensate", folder, line] => settle(folder, line, Settlement::Compensate).await,
                _ => Err(format!("usage: {USAGE}").into()),
            }
        })
    }

    /// A node's folder, and what its `options.json` says.
    async fn open(folder: &str) -> Result<(Disk, Options), Box<dyn Error>> {
        let disk = Disk::at(folder).await?;
        let options = match disk.read("options.json").await {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|error| format!("{folder}/options.json: {error}"))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Options::default(),
            Err(error) => return Err(format!("{folder}/options.json: {error}").into()),
        };
        Ok((disk, options))
    }

    async fn list(folder: &str) -> Result<(), Box<dyn Error>> {
        let (disk, options) = open(folder).await?;
        let found = bookings::poison(&disk, &options).await?;
        if found.is_empty() {
            println!("nothing is set aside");
        }
        for (line, poison) in found {
            match poison {
                Poison::Failed { id, command, why } => println!("line {line}, {id}: {why}\n  {command:?}"),
                Poison::Unreadable(bytes) => println!("line {line} cannot be read\n  {bytes:02x?}"),
            }
        }
        Ok(())
    }

    async fn settle(folder: &str, line: &str, settlement: Settlement) -> Result<(), Box<dyn Error>> {
        let (disk, options) = open(folder).await?;
        let line = Version(line.parse().map_err(|error| format!("line {line}: {error}"))?);
        bookings::settle(&disk, &options, line, settlement).await?;
        println!("line {line} is settled: {settlement:?}");
        Ok(())
    }
}
