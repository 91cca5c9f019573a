//! Messages to processes, and what a scope tells those who watch it.
//!
//! A process does nothing by itself; a client that *attaches* to it reads its messages and answers its questions. A
//! message to a process that nobody reads is lost, and a question to it has no answer, as with a process that never
//! calls `receive`.

use super::{
    message::{Answer, Call, ClientReply, ClientRequest, Failure, PeerMessage, Refusal},
    node::{Inner, Node},
    process::{NodeId, Pid},
    scope::{Scope, ScopeName},
    transport::{self, FrameReader},
};
use futures::future::join_all;
use host::net::OwnedWriteHalf;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// Who reads what, and who waits for whose answer.
#[derive(Debug, Default)]
pub(super) struct Mailboxes {
    readers: BTreeMap<Pid, mpsc::UnboundedSender<Delivery>>,
    questions: BTreeMap<u64, Question>,
    questions_asked: u64,
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
        if !self.local.processes.is_alive(pid) {
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
                self.local.send(vec![node], PeerMessage::Reply { id: call, answer });
                self.perform(&ScopeName::default());
            }
        }
    }
}

impl Mailboxes {
    /// The dead have no messages.
    pub fn bury(&mut self, pid: Pid) {
        self.readers.remove(&pid);
        self.questions.retain(|_, question| question.of != pid);
    }
}

impl Node {
    /// Sends a message to each of these processes.
    pub(super) fn publish(&self, to: &[Pid], body: &str) {
        let mut inner = self.lock();
        for pid in to {
            if pid.node == self.id {
                inner.deliver(*pid, body.to_owned());
            } else {
                let message = PeerMessage::Deliver { pid: *pid, body: body.to_owned() };
                inner.local.send(vec![pid.node], message);
            }
        }
        inner.perform(&ScopeName::default());
    }

    /// Asks all of these processes at once: who answered what, and who did not in time.
    pub(super) async fn multi_call(&self, of: Vec<Pid>, body: &str, timeout: Duration) -> ClientReply {
        let ask = |pid: Pid| async move {
            let call = Call::Ask { pid, body: body.to_owned() };
            match self.call_within(pid.node, &ScopeName::default(), call, timeout).await {
                Ok(Answer::Said(answer)) => Ok((pid, answer)),
                _ => Err(pid),
            }
        };
        let (mut answers, mut silent) = (Vec::new(), Vec::new());
        for answer in join_all(of.into_iter().map(ask)).await {
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
            let alive = inner.local.processes.is_alive(pid);
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
                request = frames.next::<(ScopeName, ClientRequest)>() => match request {
                    Ok((_, ClientRequest::Say { question, body })) => self.lock().say(pid, question, body),
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

    /// A connection that brings a scope's events: first what is there, then what changes. Of a scope that is not here
    /// there are none.
    pub(super) async fn watch(&self, scope: &ScopeName, mut frames: FrameReader, mut half: OwnedWriteHalf) {
        let events = self.lock().scopes.get_mut(scope).map(Scope::watch);
        let Some(mut events) = events else { return };
        let mut scratch = Vec::new();
        loop {
            tokio::select! {
                biased;
                // A watcher has nothing more to say: it hangs up, or talks nonsense.
                request = frames.next::<(ScopeName, ClientRequest)>() => {
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
