//! The branch's side of a client's connection.

use super::{
    message::Ask,
    node::{Node, ReplyTo},
};
use crate::common::transport::{FrameReader, Outbox};
use host::net::OwnedWriteHalf;
use std::sync::Arc;

/// Answers requests, each as soon as it can be, until the client hangs up or sends nonsense.
pub(super) async fn serve(node: &Node, mut frames: FrameReader, mut half: OwnedWriteHalf) {
    let outbox = Arc::new(Outbox::default());
    let read = async {
        loop {
            match frames.next().await {
                Ok(Ask { tag, what }) => {
                    let to = ReplyTo { outbox: Arc::clone(&outbox), tag };
                    node.lock().on_ask(node, what, to);
                }
                Err(error) => return error,
            }
        }
    };
    tokio::select! {
        biased;
        error = read => node.lock().count_if_malformed(&error),
        _ = outbox.drain_into(&mut half) => {}
    }
    outbox.close();
}
