//! Views: what a replica believes, open to inspection.
//!
//! A node registers one function that copies what it believes out of its state. In the simulation checkers call it
//! directly, at any instant, without a message. In a real build `serve` answers each connection to a debug port with
//! the views of this process, as one JSON array.

use serde::Serialize;

/// Registers the function that reads this node's view. A later call replaces it; a crash of the node forgets it.
///
/// The function is called between two steps of the node, never while one is under way: it may lock what the node locks.
#[cfg(madsim)]
pub fn register<V: Serialize + 'static>(read: impl Fn() -> V + Send + Sync + 'static) {
    crate::world::register_view(Box::new(read));
}

#[cfg(not(madsim))]
mod real {
    use super::Serialize;
    use crate::net::TcpListener;
    use std::sync::Mutex;
    use tokio::io::AsyncWriteExt;

    type ReadJson = Box<dyn Fn() -> serde_json::Value + Send + Sync>;

    static VIEWS: Mutex<Vec<ReadJson>> = Mutex::new(Vec::new());

    /// Registers a function that reads one node's view, for [`serve`].
    pub fn register<V: Serialize + 'static>(read: impl Fn() -> V + Send + Sync + 'static) {
        let read_json = move || serde_json::to_value(read()).unwrap_or_else(|error| error.to_string().into());
        VIEWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Box::new(read_json));
    }

    /// Answers every connection to `listener` with the views registered in this process, and closes it.
    ///
    /// # Errors
    ///
    /// When the listener fails. A reader that goes away early is no error.
    pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
        loop {
            let (mut stream, _) = listener.accept().await?;
            let views: serde_json::Value = VIEWS
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .iter()
                .map(|read| read())
                .collect();
            // A debugger that hangs up is its own affair.
            let _ = stream.write_all(views.to_string().as_bytes()).await;
        }
    }
}

#[cfg(not(madsim))]
pub use real::{register, serve};
