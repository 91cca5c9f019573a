//! The node's side of a client's connection: the calling process of Syn's API, which runs outside the scope.

use super::{
    groups::Groups,
    message::{self, Answer, Call, ClientReply, ClientRequest, Failure, Refusal},
    node::{self, Inner, Node},
    process::Pid,
    scope::{Scope, ScopeName},
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
        let (scope, request): (ScopeName, ClientRequest) = match frames.next().await {
            Ok(request) => request,
            Err(error) => return node.lock().count_if_malformed(&error),
        };
        let reply = match request {
            ClientRequest::Attach { pid } => return node.attach(pid, frames, half).await,
            ClientRequest::Watch => return node.watch(&scope, frames, half).await,
            ClientRequest::Register { pid, .. } | ClientRequest::Join { pid, .. }
                if node.options.strict && !selves.contains(&pid) =>
            {
                Err(Failure::Refused(Refusal::NotSelf))
            }
            request => answer(node, &scope, request).await,
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

async fn answer(node: &Node, scope: &ScopeName, request: ClientRequest) -> Result<ClientReply, Failure> {
    match request {
        ClientRequest::Spawn => Ok(ClientReply::Spawned(node.lock().local.processes.spawn())),
        ClientRequest::Kill { pid } => done(node.call(pid.node, scope, Call::Kill { pid }).await?),
        ClientRequest::Register { name, pid, meta } => register(node, scope, name, pid, meta).await,
        ClientRequest::Unregister { name } => unregister(node, scope, name).await,
        ClientRequest::Lookup { name } => lookup(node, scope, &name),
        ClientRequest::Count { node: None } => {
            Ok(ClientReply::Counted(here(&mut node.lock(), scope)?.rules.count().max(0) as u64))
        }
        ClientRequest::Count { node: Some(owner) } => {
            Ok(ClientReply::Counted(here(&mut node.lock(), scope)?.rules.count_of(owner)))
        }
        ClientRequest::Join { group, pid, meta } => {
            message::check_name(&group)
                .and_then(|()| message::check_meta(&meta))
                .map_err(Failure::Refused)?;
            here(&mut node.lock(), scope)?;
            done(node.call(pid.node, scope, Call::Join { group, pid, meta }).await?)
        }
        ClientRequest::Leave { group, pid } => {
            here(&mut node.lock(), scope)?;
            done(node.call(pid.node, scope, Call::Leave { group, pid }).await?)
        }
        ClientRequest::Members { group } => {
            Ok(ClientReply::Members(here(&mut node.lock(), scope)?.groups.members(&group)))
        }
        ClientRequest::Groups => Ok(ClientReply::Groups(here(&mut node.lock(), scope)?.groups.names())),
        ClientRequest::Publish { group, body, local } => {
            message::check_meta(&body).map_err(Failure::Refused)?;
            let mut to = pids(&here(&mut node.lock(), scope)?.groups, &group);
            to.retain(|pid| !local || pid.node == node.id);
            node.publish(&to, &body);
            Ok(ClientReply::Counted(to.len() as u64))
        }
        ClientRequest::MultiCall { group, body, timeout_ms } => {
            message::check_meta(&body).map_err(Failure::Refused)?;
            let of = pids(&here(&mut node.lock(), scope)?.groups, &group);
            Ok(node.multi_call(of, &body, Duration::from_millis(timeout_ms)).await)
        }
        ClientRequest::AddScope => {
            message::check_name(scope.as_str()).map_err(Failure::Refused)?;
            node.add_scope(scope);
            Ok(ClientReply::Done)
        }
        ClientRequest::CrashScope => {
            let mut inner = node.lock();
            here(&mut inner, scope)?;
            inner.crash_scope(scope);
            Ok(ClientReply::Done)
        }
        // Said outside an attached connection, or handled by the caller.
        ClientRequest::Say { .. } | ClientRequest::Attach { .. } | ClientRequest::Watch => {
            Err(Failure::Refused(Refusal::NotAlive))
        }
    }
}

/// The scope, if this node has added it.
fn here<'a>(inner: &'a mut Inner, scope: &ScopeName) -> Result<&'a mut Scope, Failure> {
    inner.scopes.get_mut(scope).ok_or(Failure::Refused(Refusal::NoSuchScope))
}

fn pids(groups: &Groups, group: &str) -> Vec<Pid> {
    groups.members(group).into_iter().map(|(pid, _)| pid).collect()
}

/// What clients are told of an answer that has no content.
fn done(answer: Answer) -> Result<ClientReply, Failure> {
    match answer {
        Answer::Refused(refusal) => Err(Failure::Refused(refusal)),
        _ => Ok(ClientReply::Done),
    }
}

fn lookup(node: &Node, scope: &ScopeName, name: &str) -> Result<ClientReply, Failure> {
    let inner = node.lock();
    let scope = inner.scopes.get(scope).ok_or(Failure::Refused(Refusal::NoSuchScope))?;
    let processes = &inner.local.processes;
    let found = scope.rules.lookup(name, processes).map(|entry| (entry.pid, entry.meta.clone()));
    if let Some((pid, _)) = &found
        && pid.node == node.id
        && !processes.is_alive(*pid)
    {
        probe!("dead process shown", name, pid.to_string());
    }
    Ok(ClientReply::Found(found))
}

async fn register(
    node: &Node,
    scope: &ScopeName,
    name: String,
    pid: Pid,
    meta: String,
) -> Result<ClientReply, Failure> {
    message::check_name(&name).and_then(|()| message::check_meta(&meta)).map_err(Failure::Refused)?;
    here(&mut node.lock(), scope)?;
    let call = Call::Register { name: name.clone(), pid, meta: meta.clone() };
    match node.call(pid.node, scope, call).await? {
        Answer::Refused(refusal) => return Err(Failure::Refused(refusal)),
        Answer::Registered { time } if pid.node != node.id => {
            node::lag(node.options.caller_lag).await;
            here(&mut node.lock(), scope)?.rules.write_registered(&name, pid, meta, time);
        }
        _ => {}
    }
    Ok(ClientReply::Done)
}

async fn unregister(node: &Node, scope: &ScopeName, name: String) -> Result<ClientReply, Failure> {
    message::check_name(&name).map_err(Failure::Refused)?;
    // Whom to ask is this node's own belief.
    let found = here(&mut node.lock(), scope)?.rules.holder(&name);
    let pid = found.ok_or(Failure::Refused(Refusal::Undefined))?;
    match node.call(pid.node, scope, Call::Unregister { name: name.clone(), pid }).await? {
        Answer::Refused(refusal) => return Err(Failure::Refused(refusal)),
        Answer::Unregistered if pid.node != node.id => {
            node::lag(node.options.caller_lag).await;
            here(&mut node.lock(), scope)?.rules.write_unregistered(&name, pid);
        }
        _ => {}
    }
    Ok(ClientReply::Done)
}
