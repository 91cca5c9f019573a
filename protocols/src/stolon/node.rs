//! The three processes around the rules: the keeper beside each database, the sentinel, the proxy.

mod keeper;
mod proxy;
mod sentinel;

pub use keeper::{KeeperConfig, keeper};
pub use proxy::{ProxyConfig, proxy};
pub use sentinel::{SentinelConfig, sentinel};
