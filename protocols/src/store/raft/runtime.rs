//! What openraft needs of an async runtime: tokio, simulated or real, and randomness that the seed decides.

use super::instant::Instant;
use futures::FutureExt as _;
use host::entropy::{self, Generator};
use host::sometimes;
use host::time::{self, Elapsed, Sleep, Timeout};
use openraft::async_runtime::AsyncOneshotSendExt;
use openraft::{AsyncRuntime, OptionalSend};
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::oneshot;

/// The runtime that the node runs on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Runtime;

/// A task did not come to its end.
#[derive(Debug, thiserror::Error)]
#[error("a task of the consensus ended early")]
pub(in super::super) struct EndedEarly {
    panicked: bool,
}

/// A task of the consensus.
pub(in super::super) struct Task<T>(tokio::task::JoinHandle<Result<T, EndedEarly>>);

impl<T> Future for Task<T> {
    type Output = Result<T, EndedEarly>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(result) => result,
            Err(_) => Err(EndedEarly { panicked: false }),
        })
    }
}

/// The sending end of a channel for one value.
pub(in super::super) struct Sender<T>(oneshot::Sender<T>);

impl<T> std::fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sender")
    }
}

impl<T: OptionalSend> AsyncOneshotSendExt<T> for Sender<T> {
    fn send(self, value: T) -> Result<(), T> {
        self.0.send(value)
    }
}

impl AsyncRuntime for Runtime {
    type JoinError = EndedEarly;
    type JoinHandle<T: OptionalSend + 'static> = Task<T>;
    type Sleep = Sleep;
    type Instant = Instant;
    type TimeoutError = Elapsed;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = Timeout<T>;
    type ThreadLocalRng = Generator;
    type OneshotSender<T: OptionalSend> = Sender<T>;
    type OneshotReceiver<T: OptionalSend> = oneshot::Receiver<T>;
    type OneshotReceiverError = oneshot::error::RecvError;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        let caught = AssertUnwindSafe(future).catch_unwind();
        Task(tokio::spawn(async {
            match caught.await {
                Ok(output) => Ok(output),
                Err(panic) if is_known(&*panic) => {
                    sometimes!("openraft: a deposed leader's task panicked");
                    Err(EndedEarly { panicked: true })
                }
                Err(panic) => resume_unwind(panic),
            }
        }))
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        time::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        time::sleep_until(deadline.0)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        time::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        time::timeout_at(deadline.0, future)
    }

    fn is_panic(error: &Self::JoinError) -> bool {
        error.panicked
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        entropy::generator()
    }

    fn oneshot<T: OptionalSend>() -> (Self::OneshotSender<T>, Self::OneshotReceiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Sender(sender), receiver)
    }
}

/// Whether it is the panic of openraft 0.9.21 that costs nothing: see the module above.
fn is_known(panic: &(dyn Any + Send)) -> bool {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text == Some("called `Option::unwrap()` on a `None` value")
}
