//! One replica of the store as a process of its own, with real sockets and files.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --bin store-replica -- \
//!     1 /tmp/store-1 127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003
//! ```
//!
//! takes its number, its folder, the addresses of all replicas in order of their numbers, and its options as JSON, if
//! they are not the defaults.
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
            eprintln!("store-replica: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(madsim))]
mod real {
    use host::disk::Disk;
    use protocols::store::{self, Config};
    use std::error::Error;
    use std::net::SocketAddr;

    pub fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
        let (number, folder, replicas, options) = match arguments {
            [number, folder, replicas] => (number, folder, replicas, "{}"),
            [number, folder, replicas, options] => (number, folder, replicas, options.as_str()),
            _ => return Err("give its number, its folder, all addresses with commas, and its options".into()),
        };
        let config = Config {
            id: number.parse()?,
            replicas: addresses(replicas)?,
            options: serde_json::from_str(options)?,
            says: store::ROLE,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { Ok(store::run(config, Disk::at(folder).await?).await?) })
    }

    fn addresses(list: &str) -> Result<Vec<SocketAddr>, std::net::AddrParseError> {
        list.split(',').map(str::parse).collect()
    }
}
