//! The tasks that a node consists of.

use std::future::Future;
use tokio::task::AbortHandle;

/// The tasks of a node. They end when this is dropped.
#[derive(Default)]
pub(crate) struct Tasks(Vec<AbortHandle>);

impl Tasks {
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        // Connections come and go: forget those that have gone whenever the list would grow.
        if self.0.len() == self.0.capacity() {
            self.0.retain(|handle| !handle.is_finished());
        }
        self.0.push(tokio::spawn(task).abort_handle());
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for handle in &self.0 {
            handle.abort();
        }
    }
}
