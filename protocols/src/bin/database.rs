//! A database as a process of its own, with real sockets and files.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --bin database -- \
//!     1 /tmp/database-1 127.0.0.1:7011
//! ```
//!
//! takes its number, its folder, its address, and its options as JSON, if they are not the defaults. It is stopped
//! until its manager starts it.
#![allow(clippy::print_stderr)] // a process says why it ends

use std::process::ExitCode;

#[cfg(madsim)]
fn main() -> ExitCode {
    eprintln!("it uses real sockets: RUSTFLAGS=\"\" CARGO_TARGET_DIR=target/real cargo run …");
    ExitCode::FAILURE
}

#[cfg(not(madsim))]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match real::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("database: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(madsim))]
mod real {
    use host::disk::Disk;
    use protocols::database::{self, Config};
    use std::error::Error;
    use std::net::SocketAddr;

    pub fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
        let (number, folder, address, options) = match arguments {
            [number, folder, address] => (number, folder, address, "{}"),
            [number, folder, address, options] => (number, folder, address, options.as_str()),
            _ => return Err("give its number, its folder, its address, and its options".into()),
        };
        let address: SocketAddr = address.parse()?;
        let config = Config { id: number.parse()?, address, options: serde_json::from_str(options)? };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { Ok(database::run(config, Disk::at(folder).await?).await?) })
    }
}
