//! What daemons say to each other, and an operator to one of them, each in a datagram.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whatever a datagram may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    Vrrp(Advert),
    Carp(CarpAdvert),
    /// In place of a signal.
    Order(Order),
    /// Whether what was ordered is done.
    Obeyed(bool),
}

/// A VRRP advertisement: its sender is the master. Which addresses that has is not compared, and so not said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Advert {
    /// 2 or 3.
    pub version: u8,
    /// 0: the sender is no longer the master.
    pub priority: u8,
    pub interval: Duration,
    pub password: Option<String>,
}

/// A CARP advertisement: the same, with an interval for a priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CarpAdvert {
    /// In seconds.
    pub advbase: u8,
    /// In 256ths of a second.
    pub advskew: u8,
    /// Its digest, in the original.
    pub password: String,
}

/// What an operator wants of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// To stop (`SIGTERM`), and to start again at once.
    Restart,
    /// To be no master for now: UCARP's `SIGUSR2`.
    Demote,
}

/// The longest datagram.
pub(super) const BYTES_MAX: usize = 1024;

impl Message {
    pub fn encode(&self) -> Vec<u8> {
        let bytes = postcard::to_stdvec(self).expect("messages are plain data");
        host::trace::message(&bytes, self);
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Message> {
        match postcard::take_from_bytes(bytes) {
            Ok((message, [])) => Some(message),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_is_one_message_and_nothing_else() {
        let message = Message::Order(Order::Demote);
        let mut bytes = message.encode();
        assert_eq!(Message::decode(&bytes), Some(message));
        bytes.push(0);
        assert_eq!(Message::decode(&bytes), None);
        assert_eq!(Message::decode(&[]), None);
    }
}
