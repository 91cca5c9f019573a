//! Messages to processes, and what a node tells those who watch it.
//!
//! A process does nothing by itself; a client that *attaches* to it reads its messages and answers its questions. A
//! message to a process that nobody reads is lost, and a question to it has no answer, as with a process that never
//! calls `receive`.

use super::{
    events::Event,
    message::{Answer, Call, ClientReply, ClientRequest, Failure, PeerMessage, Refusal},
    node::{Inner, Node},
    process::{NodeId, Pid},
    state::Effect,
    transport::{self, FrameReader},
};
use futures::future::join_all;
use host::net::OwnedWriteHalf;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Who reads what, who waits for whose answer, and who watches.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    readers: BTreeMap<Pid, mpsc::UnboundedSender<Delivery>>,
    questions: BTreeMap<u64, Question>,
    questions_asked: u64,
    watchers: Vec<mpsc::UnboundedSender<Event>>,
}

#[derive(Debug)]
struct Delivery {
    body: String,
    question: Option<u64>,
}

#[derive(Debug)]
struct Question {
    of: Pid,
    from: Asker,
}

/// Whom to answer.
#[derive(Debug)]
pub(super) enum Asker {
    Here(oneshot::Sender<Answer>),
    Peer { node: NodeId, call: u64 },
}

impl Inner {
    /// Hands a message to whoever reads the process' messages.
    pub fn deliver(&mut self, pid: Pid, body: String) {
        if let Some(reader) = self.mailboxes.readers.get(&pid) {
            // A reader that has just gone reads nothing more.
            drop(reader.send(Delivery { body, question: None }));
        }
    }

    /// Puts a question to a process of this node. Who waits for the answer is told at once when there will be none.
    pub fn ask(&mut self, pid: Pid, body: String, from: Asker) {
        if !self.scope.processes().is_alive(pid) {
            return self.answer(from, Answer::Refused(Refusal::NotAlive));
        }
        let Some(reader) = self.mailboxes.readers.get(&pid) else { return };
        self.mailboxes.questions_asked += 1;
        let question = self.mailboxes.questions_asked;
        drop(reader.send(Delivery { body, question: Some(question) }));
        self.mailboxes.questions.insert(question, Question { of: pid, from });
    }

    fn say(&mut self, pid: Pid, question: u64, body: String) {
        if self.mailboxes.questions.get(&question).is_some_and(|question| question.of == pid)
            && let Some(question) = self.mailboxes.questions.remove(&question)
        {
            self.answer(question.from, Answer::Said(body));
        }
    }

    fn answer(&mut self, asker: Asker, answer: Answer) {
        match asker {
            // Who has given up waiting wants no answer.
            Asker::Here(sender) => drop(sender.send(answer)),
            Asker::Peer { node, call } => {
                let message = PeerMessage::Reply { id: call, answer };
                self.effects.push(Effect::Send { to: vec![node], message });
                self.perform();
            }
        }
    }

    /// The dead have neither groups nor messages.
    pub fn bury(&mut self) {
        for pid in self.scope.take_dead() {
            self.mailboxes.readers.remove(&pid);
            self.mailboxes.questions.retain(|_, question| question.of != pid);
            self.groups.on_process_down(pid, &mut self.effects);
        }
    }

    /// Hands on what has happened since.
    pub fn tell_watchers(&mut self) {
        if self.mailboxes.watchers.is_empty() {
            return;
        }
        let mut events = self.scope.events().take();
        events.extend(self.groups.events.take());
        for event in events {
            self.mailboxes.watchers.retain(|watcher| watcher.send(event.clone()).is_ok());
        }
        let watched = !self.mailboxes.watchers.is_empty();
        self.scope.events().watch(watched);
        self.groups.events.watch(watched);
    }
}

impl Node {
    /// Sends a message to each member of a group; says to how many.
    pub(super) fn publish(&self, group: &str, body: &str, local: bool) -> u64 {
        let mut inner = self.lock();
        let members = inner.groups.members(group);
        let to = members.into_iter().map(|(pid, _)| pid).filter(|pid| !local || pid.node == self.id);
        let to: Vec<Pid> = to.collect();
        for pid in &to {
            if pid.node == self.id {
                inner.deliver(*pid, body.to_owned());
            } else {
                let message = PeerMessage::Deliver { pid: *pid, body: body.to_owned() };
                inner.effects.push(Effect::Send { to: vec![pid.node], message });
            }
        }
        inner.perform();
        to.len() as u64
    }

    /// Asks every member of a group at once: who answered what, and who did not in time.
    pub(super) async fn multi_call(&self, group: &str, body: &str, timeout: Duration) -> ClientReply {
        let members = self.lock().groups.members(group);
        let ask = |pid: Pid| async move {
            match self.call_within(pid.node, Call::Ask { pid, body: body.to_owned() }, timeout).await {
                Ok(Answer::Said(answer)) => Ok((pid, answer)),
                _ => Err(pid),
            }
        };
        let (mut answers, mut silent) = (Vec::new(), Vec::new());
        for answer in join_all(members.into_iter().map(|(pid, _)| ask(pid))).await {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(pid) => silent.push(pid),
            }
        }
        ClientReply::Answers(answers, silent)
    }

    /// A connection that brings a process' messages, until it ends or the process does.
    pub(super) async fn attach(&self, pid: Pid, mut frames: FrameReader, mut half: OwnedWriteHalf) {
        let (reader, mut messages) = mpsc::unbounded_channel();
        let mut scratch = Vec::new();
        let alive = {
            let mut inner = self.lock();
            let alive = inner.scope.processes().is_alive(pid);
            if alive {
                inner.mailboxes.readers.insert(pid, reader);
            }
            alive
        };
        let first =
            if alive { ClientReply::Done } else { ClientReply::Failed(Failure::Refused(Refusal::NotAlive)) };
        let mut written = transport::write_now(&mut half, &first, &mut scratch).await;
        while alive && written.is_ok() {
            tokio::select! {
                biased;
                request = frames.next() => match request {
                    Ok(ClientRequest::Say { question, body }) => self.lock().say(pid, question, body),
                    Ok(_) => break,
                    Err(error) => return self.lock().count_if_malformed(&error),
                },
                message = messages.recv() => {
                    let Some(Delivery { body, question }) = message else { break };
                    written = transport::write_now(&mut half, &ClientReply::Message { body, question }, &mut scratch).await;
                }
            }
        }
    }

    /// A connection that brings the node's events: first what is there, then what changes.
    pub(super) async fn watch(&self, mut frames: FrameReader, mut half: OwnedWriteHalf) {
        let (watcher, mut events) = mpsc::unbounded_channel();
        {
            let mut inner = self.lock();
            for (name, entry) in inner.scope.entries() {
                drop(watcher.send(Event::Registered { name, pid: entry.pid, meta: entry.meta }));
            }
            for (group, members) in inner.groups.all() {
                for (pid, meta) in members {
                    drop(watcher.send(Event::Joined { group: group.clone(), pid: *pid, meta: meta.clone() }));
                }
            }
            inner.mailboxes.watchers.push(watcher);
            inner.scope.events().watch(true);
            inner.groups.events.watch(true);
        }
        let mut scratch = Vec::new();
        loop {
            tokio::select! {
                biased;
                // A watcher has nothing more to say: it hangs up, or talks nonsense.
                request = frames.next::<ClientRequest>() => {
                    if let Err(error) = request {
                        self.lock().count_if_malformed(&error);
                    }
                    return;
                }
                event = events.recv() => {
                    let Some(event) = event else { return };
                    if transport::write_now(&mut half, &ClientReply::Event(event), &mut scratch).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}
