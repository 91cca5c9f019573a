//! One branch of the bank as a process of its own, with real sockets and files.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --bin bank-branch -- \
//!     1 /tmp/bank-1 127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003
//! ```
//!
//! takes its number, its folder and the addresses of all branches, in order of their numbers. Kill it whenever you
//! like. `protocols/examples/bank.rs` is a client for it.
#![allow(clippy::print_stderr)] // a process says why it ends

use std::process::ExitCode;

#[cfg(madsim)]
fn main() -> ExitCode {
    eprintln!(
        "a branch uses real sockets and files: RUSTFLAGS=\"\" CARGO_TARGET_DIR=target/real cargo run …"
    );
    ExitCode::FAILURE
}

#[cfg(not(madsim))]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match real::branch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bank-branch: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(madsim))]
mod real {
    use host::disk::Disk;
    use protocols::bank::{self, BranchId, Config, Options};
    use std::error::Error;
    use std::net::SocketAddr;

    pub fn branch(arguments: &[String]) -> Result<(), Box<dyn Error>> {
        let [number, folder, addresses] = arguments else {
            return Err("give its number, its folder, and the addresses of all branches with commas".into());
        };
        let branches: Vec<SocketAddr> =
            addresses.split(',').map(str::parse).collect::<Result<_, std::net::AddrParseError>>()?;
        let config = Config { id: BranchId(number.parse()?), branches, options: Options::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let disk = Disk::at(folder).await?;
            Ok(bank::run(config, disk).await?)
        })
    }
}
