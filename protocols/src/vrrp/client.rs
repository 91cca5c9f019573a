//! An operator's hand on the daemons.

use super::message::{BYTES_MAX, Message, Order};
use host::net::UdpSocket;
use host::time::timeout;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Why nothing was done, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Nobody who answers is the master.
    #[error("nobody who answers is the master")]
    NoMaster,
    /// It could not be sent.
    #[error("it could not be sent: {0}")]
    Io(#[from] io::Error),
}

/// An operator, who goes from machine to machine.
#[derive(Debug)]
pub struct Operator {
    daemons: Vec<SocketAddr>,
    patience: Duration,
}

impl Operator {
    /// Of the daemons that listen there. Each has a second to answer.
    pub fn new(daemons: Vec<SocketAddr>) -> Operator {
        Operator { daemons, patience: Duration::from_secs(1) }
    }

    /// Gives the master an order, whoever that is.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn order(&mut self, order: Order) -> Result<(), OperatorError> {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let socket = UdpSocket::bind(any).await?;
        for daemon in &self.daemons {
            socket.send_to(&Message::Order(order).encode(), *daemon).await?;
            if timeout(self.patience, obeys(&socket, *daemon)).await.is_ok_and(|obeys| obeys) {
                return Ok(());
            }
        }
        Err(OperatorError::NoMaster)
    }
}

/// Whether this daemon says that it has obeyed.
async fn obeys(socket: &UdpSocket, daemon: SocketAddr) -> bool {
    let mut buffer = [0; BYTES_MAX];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((bytes, from)) if from == daemon => {
                return Message::decode(&buffer[..bytes]) == Some(Message::Obeyed(true));
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}
