//! The two kinds of node: which one it is decides its number.

mod agent;
mod controller;
mod zone;

use super::options::Config;
use host::net::TcpListener;
use std::io;

/// Runs a node until the future is dropped; all its tasks end with it.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`), or the address cannot be bound.
pub async fn run(config: Config) -> io::Result<()> {
    config.validate()?;
    let listener = TcpListener::bind(config.nodes[config.id as usize - 1]).await?;
    serve(listener, config).await
}

/// Runs a node on a listener that is already bound.
///
/// # Errors
///
/// When the configuration is out of bounds (`InvalidInput`).
pub async fn serve(listener: TcpListener, config: Config) -> io::Result<()> {
    config.validate()?;
    if config.id == 1 {
        controller::serve(&listener, &config).await;
    } else {
        zone::serve(&listener, &config).await;
    }
    Ok(())
}
