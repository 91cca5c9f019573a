//! The node's side of a client's connection: the calling process of Syn's API, which runs outside the scope.

use super::{
    message::{self, Answer, Call, ClientReply, ClientRequest, Failure, Refusal},
    node::{self, Node},
    process::Pid,
    transport::{self, FrameReader},
};
use host::{net::OwnedWriteHalf, probe};
use std::{collections::BTreeSet, time::Duration};

/// Answers one request after the other until the client hangs up or sends nonsense.
pub(super) async fn serve(node: &Node, mut frames: FrameReader, mut half: OwnedWriteHalf) {
    let mut scratch = Vec::new();
    // Strict mode: the processes that this client is.
    let mut selves = BTreeSet::new();
    loop {
        let request: ClientRequest = match frames.next().await {
            Ok(request) => request,
            Err(error) => return node.lock().count_if_malformed(&error),
        };
        let reply = match request {
            ClientRequest::Attach { pid } => return node.attach(pid, frames, half).await,
            ClientRequest::Watch => return node.watch(frames, half).await,
            ClientRequest::Register { pid, .. } | ClientRequest::Join { pid, .. }
                if node.options.strict && !selves.contains(&pid) =>
            {
                Err(Failure::Refused(Refusal::NotSelf))
            }
            request => answer(node, request).await,
        };
        let reply = reply.unwrap_or_else(ClientReply::Failed);
        if let ClientReply::Spawned(pid) = reply
            && node.options.strict
        {
            selves.insert(pid);
        }
        if transport::write_now(&mut half, &reply, &mut scratch).await.is_err() {
            return;
        }
    }
}

async fn answer(node: &Node, request: ClientRequest) -> Result<ClientReply, Failure> {
    match request {
        ClientRequest::Spawn => Ok(ClientReply::Spawned(node.lock().scope.spawn())),
        ClientRequest::Kill { pid } => done(node.call(pid.node, Call::Kill { pid }).await?),
        ClientRequest::Register { name, pid, meta } => register(node, name, pid, meta).await,
        ClientRequest::Unregister { name } => unregister(node, name).await,
        ClientRequest::Lookup { name } => Ok(lookup(node, &name)),
        ClientRequest::Count { node: None } => {
            Ok(ClientReply::Counted(node.lock().scope.count().max(0) as u64))
        }
        ClientRequest::Count { node: Some(owner) } => {
            Ok(ClientReply::Counted(node.lock().scope.count_of(owner)))
        }
        ClientRequest::Join { group, pid, meta } => {
            message::check_name(&group)
                .and_then(|()| message::check_meta(&meta))
                .map_err(Failure::Refused)?;
            done(node.call(pid.node, Call::Join { group, pid, meta }).await?)
        }
        ClientRequest::Leave { group, pid } => done(node.call(pid.node, Call::Leave { group, pid }).await?),
        ClientRequest::Members { group } => Ok(ClientReply::Members(node.lock().groups.members(&group))),
        ClientRequest::Groups => Ok(ClientReply::Groups(node.lock().groups.names())),
        ClientRequest::Publish { group, body, local } => {
            message::check_meta(&body).map_err(Failure::Refused)?;
            Ok(ClientReply::Counted(node.publish(&group, &body, local)))
        }
        ClientRequest::MultiCall { group, body, timeout_ms } => {
            message::check_meta(&body).map_err(Failure::Refused)?;
            Ok(node.multi_call(&group, &body, Duration::from_millis(timeout_ms)).await)
        }
        ClientRequest::CrashScope => {
            node.lock().crash_scope();
            Ok(ClientReply::Done)
        }
        // Said outside an attached connection, or handled by the caller.
        ClientRequest::Say { .. } | ClientRequest::Attach { .. } | ClientRequest::Watch => {
            Err(Failure::Refused(Refusal::NotAlive))
        }
    }
}

/// What clients are told of an answer that has no content.
fn done(answer: Answer) -> Result<ClientReply, Failure> {
    match answer {
        Answer::Refused(refusal) => Err(Failure::Refused(refusal)),
        _ => Ok(ClientReply::Done),
    }
}

fn lookup(node: &Node, name: &str) -> ClientReply {
    let inner = node.lock();
    let found = inner.scope.lookup(name).map(|entry| (entry.pid, entry.meta.clone()));
    if let Some((pid, _)) = &found
        && pid.node == node.id
        && !inner.scope.processes().is_alive(*pid)
    {
        probe!("dead process shown", name, pid.to_string());
    }
    ClientReply::Found(found)
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
