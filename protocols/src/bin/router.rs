//! A router in front of databases as a process of its own, with real sockets.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run --release -p splitbrain-protocols --bin router -- \
//!     127.0.0.1:5000 127.0.0.1:7011@127.0.0.1:8008,127.0.0.1:7012@127.0.0.1:8009
//! ```
//!
//! takes its address, those of the databases, each with that of its agent, and its options as JSON, if they are not the
//! defaults.
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
            eprintln!("router: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(madsim))]
mod real {
    use protocols::router::{self, Backend, Config};
    use std::error::Error;
    use std::net::SocketAddr;

    pub fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
        let (listen, backends, options) = match arguments {
            [listen, backends] => (listen, backends, "{}"),
            [listen, backends, options] => (listen, backends, options.as_str()),
            _ => return Err("give its address, database@agent with commas, and its options".into()),
        };
        let listen: SocketAddr = listen.parse()?;
        let backends = backends.split(',').map(backend).collect::<Result<_, _>>()?;
        let config = Config { listen, backends, options: serde_json::from_str(options)? };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(router::run(config))?)
    }

    fn backend(text: &str) -> Result<Backend, Box<dyn Error>> {
        let (address, health) = text.split_once('@').ok_or("a backend is database@agent")?;
        Ok(Backend { address: address.parse()?, health: health.parse()? })
    }
}
