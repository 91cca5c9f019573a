//! An agent of Patroni's kind, beside its database, as a process of its own, with real sockets.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --bin patroni-agent -- \
//!     1 127.0.0.1:7011 127.0.0.1:8008 127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003
//! ```
//!
//! takes its number, the address of its database, its own, those of the store, and as JSON its options and its tags, if
//! they are not the defaults. `curl http://127.0.0.1:8008/patroni` asks how it is.
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
            eprintln!("patroni-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(madsim))]
mod real {
    use protocols::patroni::{self, Config};
    use std::error::Error;
    use std::net::SocketAddr;

    pub fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
        let [number, database, health, store, others @ ..] = arguments else {
            return Err(
                "give its number, its database, its address, the store, its options and its tags".into()
            );
        };
        let (options, tags) = match others {
            [] => ("{}", "{}"),
            [options] => (options.as_str(), "{}"),
            [options, tags] => (options.as_str(), tags.as_str()),
            _ => return Err("after its options and its tags there is nothing to give".into()),
        };
        let config = Config {
            id: number.parse()?,
            database: database.parse()?,
            health: health.parse()?,
            store: addresses(store)?,
            options: serde_json::from_str(options)?,
            tags: serde_json::from_str(tags)?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(patroni::run(config))?)
    }

    fn addresses(list: &str) -> Result<Vec<SocketAddr>, std::net::AddrParseError> {
        list.split(',').map(str::parse).collect()
    }
}
