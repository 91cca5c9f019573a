//! The node's side of a client's connection.

use super::{
    message::Ask,
    node::{Node, ReplyTo},
};
use crate::common::transport::{FrameReader, Outbox, ReadError};
use host::{net::OwnedWriteHalf, sometimes};
use std::sync::Arc;

/// Answers questions, each as soon as it can be, until the client hangs up or sends nonsense.
pub(super) async fn serve(node: &Node, mut frames: FrameReader, mut half: OwnedWriteHalf) {
    let outbox = Arc::new(Outbox::default());
    let read = async {
        loop {
            match frames.next().await {
                Ok(Ask { tag, what }) => {
                    node.lock().on_ask(&what, ReplyTo { outbox: Arc::clone(&outbox), tag });
                }
                Err(error) => return error,
            }
        }
    };
    tokio::select! {
        biased;
        error = read => if matches!(error, ReadError::Malformed) {
            sometimes!("malformed frame dropped");
        },
        _ = outbox.drain_into(&mut half) => {}
    }
    outbox.close();
}
