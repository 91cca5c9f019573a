//! The node's side of a client's connection: the calling process of Syn's API, which runs outside the scope.

use super::{
    message::{self, Answer, Call, ClientReply, ClientRequest, Failure, Refusal},
    node::{self, Node},
    process::Pid,
    transport::{self, FrameReader},
};
use host::{net::OwnedWriteHalf, probe};

/// Answers one request after the other until the client hangs up or sends nonsense.
pub(super) async fn serve(node: &Node, mut frames: FrameReader, mut half: OwnedWriteHalf) {
    let mut scratch = Vec::new();
    loop {
        let request: ClientRequest = match frames.next().await {
            Ok(request) => request,
            Err(error) => return node.lock().count_if_malformed(&error),
        };
        let reply = answer(node, request).await.unwrap_or_else(ClientReply::Failed);
        if transport::write_now(&mut half, &reply, &mut scratch).await.is_err() {
            return;
        }
    }
}

async fn answer(node: &Node, request: ClientRequest) -> Result<ClientReply, Failure> {
    match request {
        ClientRequest::Spawn => Ok(ClientReply::Spawned(node.lock().scope.spawn())),
        ClientRequest::Kill { pid } => {
            node.call(pid.node, Call::Kill { pid }).await?;
            Ok(ClientReply::Done)
        }
        ClientRequest::Register { name, pid, meta } => register(node, name, pid, meta).await,
        ClientRequest::Unregister { name } => unregister(node, name).await,
        ClientRequest::Lookup { name } => {
            let inner = node.lock();
            let found = inner.scope.lookup(&name).map(|entry| (entry.pid, entry.meta.clone()));
            if let Some((pid, _)) = &found
                && pid.node == node.id
                && !inner.scope.processes().is_alive(*pid)
            {
                probe!("dead process shown", name, pid.to_string());
            }
            Ok(ClientReply::Found(found))
        }
    }
}

async fn register(node: &Node, name: String, pid: Pid, meta: String) -> Result<ClientReply, Failure> {
    message::check_name(&name).and_then(|()| message::check_meta(&meta)).map_err(Failure::Refused)?;
    let call = Call::Register { name: name.clone(), pid, meta: meta.clone() };
    match node.call(pid.node, call).await? {
        Answer::Refused(refusal) => return Err(Failure::Refused(refusal)),
        Answer::Registered { time } if pid.node != node.id => {
            node::lag(node.options.caller_lag).await;
            node.lock().scope.write_registered(&name, pid, meta, time);
        }
        _ => {}
    }
    Ok(ClientReply::Done)
}

async fn unregister(node: &Node, name: String) -> Result<ClientReply, Failure> {
    message::check_name(&name).map_err(Failure::Refused)?;
    // Whom to ask is this node's own belief.
    let found = node.lock().scope.holder(&name);
    let pid = found.ok_or(Failure::Refused(Refusal::Undefined))?;
    match node.call(pid.node, Call::Unregister { name: name.clone(), pid }).await? {
        Answer::Refused(refusal) => return Err(Failure::Refused(refusal)),
        Answer::Unregistered if pid.node != node.id => {
            node::lag(node.options.caller_lag).await;
            node.lock().scope.write_unregistered(&name, pid);
        }
        _ => {}
    }
    Ok(ClientReply::Done)
}
