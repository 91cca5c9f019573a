//! Watches that fire once: what fires them, and what becomes of them when their connection is lost.

use super::Kind;
use crate::store::message::{Change as Changed, Event};
use std::collections::BTreeMap;

/// What happened to the node of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was created.
    Created,
    /// Its data were set.
    DataChanged,
    /// It was deleted.
    Deleted,
    /// A node below it was created or deleted.
    ChildrenChanged,
    /// Nothing that is known: the connection was lost, and the watch is forgotten.
    None,
}

/// A watch that fired, and is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Its node.
    pub path: String,
    /// What happened.
    pub change: Change,
}

/// A watch, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    /// On a node and its data.
    Data(String),
    /// On which nodes there are below one.
    Children(String),
}

/// A node, as a read found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub exists: bool,
    /// The change that made it so.
    pub modified: u64,
}

/// All watches of a session.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// Those that are set: since which change, and whether there was a node then.
    set: BTreeMap<Kept, (u64, bool)>,
    /// Those whose read is under way: what has happened meanwhile, and at which change.
    asked: BTreeMap<Kept, Vec<(u64, Change)>>,
    /// The last change of which the line has told.
    told: u64,
}

impl Watches {
    /// Its read begins.
    pub fn asks(&mut self, watch: Kept) {
        self.asked.insert(watch, Vec::new());
    }

    /// Its read failed.
    pub fn withdraws(&mut self, watch: &Kept) {
        self.asked.remove(watch);
    }

    /// Its read was answered, as of this change: it is set, or fires at once for what the line has told meanwhile. None
    /// if the line was lost meanwhile: nothing is set.
    pub fn answered(&mut self, watch: &Kept, revision: u64, exists: bool) -> Option<Option<Fired>> {
        let meanwhile = self.asked.remove(watch)?;
        if let Some((_, change)) = meanwhile.into_iter().find(|(at, _)| *at > revision) {
            self.set.remove(watch);
            return Some(Some(fired(watch, change)));
        }
        self.set.insert(watch.clone(), (revision, exists));
        Some(None)
    }

    /// The line tells of a change: the watches that fire.
    pub fn on_change(&mut self, event: &Event) -> Option<Vec<Fired>> {
        self.told = self.told.max(event.revision);
        let (data, of_children) = match event.change {
            Changed::Put { version: 1, .. } => (Change::Created, true),
            Changed::Put { .. } => (Change::DataChanged, false),
            Changed::Delete => (Change::Deleted, true),
        };
        let mut touched = vec![(Kept::Data(event.key.clone()), data)];
        if let Some((parent, _)) = event.key.rsplit_once('/').filter(|_| of_children) {
            touched.push((Kept::Children(parent.to_owned()), Change::ChildrenChanged));
        }
        let mut fires = Vec::new();
        for (watch, change) in touched {
            if let Some(meanwhile) = self.asked.get_mut(&watch) {
                meanwhile.push((event.revision, change));
            }
            if self.set.get(&watch).is_some_and(|(since, _)| *since < event.revision) {
                self.set.remove(&watch);
                fires.push(fired(&watch, change));
            }
        }
        (!fires.is_empty()).then_some(fires)
    }

    /// Somebody reads a node, as of this change: a watch on older data fires before he has the newer.
    pub fn on_read(&mut self, path: &str, revision: u64, found: Found) -> Option<Fired> {
        let watch = Kept::Data(path.to_owned());
        let (since, existed) = *self.set.get(&watch)?;
        let change = since_then(since, existed, found).filter(|_| revision > since)?;
        self.set.remove(&watch);
        Some(fired(&watch, change))
    }

    /// The line is lost: what is told at once.
    pub fn line_lost(&mut self, kind: Kind) -> Vec<Fired> {
        self.asked.clear();
        match kind {
            Kind::Java => Vec::new(),
            Kind::Kazoo => {
                let forgotten = std::mem::take(&mut self.set);
                forgotten.keys().map(|watch| fired(watch, Change::None)).collect()
            }
        }
    }

    /// There is a line again, which tells what comes after this change: watches are set again as of it, but for those
    /// of whose node the state says that it is another one.
    pub fn set_again(&mut self, revision: u64, state: impl Fn(&str) -> Found) -> Vec<Fired> {
        let set = std::mem::take(&mut self.set);
        let gap = revision > self.told;
        self.told = self.told.max(revision);
        // What happened until then nobody tells those whose read is under way.
        for (watch, meanwhile) in &mut self.asked {
            let change = match watch {
                Kept::Data(_) => Change::DataChanged,
                Kept::Children(_) => Change::ChildrenChanged,
            };
            meanwhile.push((revision, change));
        }
        let mut fires = Vec::new();
        for (watch, (since, existed)) in set {
            let change = match &watch {
                Kept::Data(path) => since_then(since, existed, state(path)),
                // Which nodes there were is not kept: it may have fired for nothing.
                Kept::Children(_) => (gap && revision > since).then_some(Change::ChildrenChanged),
            };
            match change {
                Some(change) => fires.push(fired(&watch, change)),
                None => drop(self.set.insert(watch, (revision.max(since), existed))),
            }
        }
        fires
    }
}

/// What has happened to a node since a watch was set on it, as far as its state tells.
fn since_then(since: u64, existed: bool, found: Found) -> Option<Change> {
    match (existed, found.exists) {
        (true, false) => Some(Change::Deleted),
        (false, true) => Some(Change::Created),
        (true, true) if found.modified > since => Some(Change::DataChanged),
        (true, true) | (false, false) => None,
    }
}

fn fired(watch: &Kept, change: Change) -> Fired {
    let (Kept::Data(path) | Kept::Children(path)) = watch;
    Fired { path: path.clone(), change }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "/app/master";

    fn event(revision: u64, key: &str, change: Changed) -> Event {
        Event { revision, key: key.to_owned(), change }
    }

    fn put(revision: u64, version: u64) -> Event {
        event(revision, NODE, Changed::Put { value: "x".to_owned(), version })
    }

    fn delete(revision: u64) -> Event {
        event(revision, NODE, Changed::Delete)
    }

    fn at(modified: u64) -> Found {
        Found { exists: true, modified }
    }

    const GONE: Found = Found { exists: false, modified: 0 };

    /// With a watch on the node's data, set as of this change.
    fn watching(revision: u64, exists: bool) -> Watches {
        let mut watches = Watches::default();
        watches.asks(Kept::Data(NODE.to_owned()));
        assert_eq!(watches.answered(&Kept::Data(NODE.to_owned()), revision, exists), Some(None));
        watches
    }

    fn changes(fired: impl IntoIterator<Item = Fired>) -> Vec<Change> {
        fired.into_iter().map(|fired| fired.change).collect()
    }

    fn told(watches: &mut Watches, event: &Event) -> Vec<Change> {
        changes(watches.on_change(event).unwrap_or_default())
    }

    #[test]
    fn a_watch_fires_once() {
        let mut watches = watching(7, true);
        assert_eq!(told(&mut watches, &put(8, 3)), [Change::DataChanged]);
        assert_eq!(told(&mut watches, &put(9, 4)), []);
    }

    #[test]
    fn a_watch_does_not_fire_for_what_its_read_has_shown() {
        let mut watches = watching(8, true);
        assert_eq!(told(&mut watches, &put(8, 3)), [], "a line may be late");
        assert_eq!(told(&mut watches, &delete(9)), [Change::Deleted]);
    }

    #[test]
    fn a_watch_on_what_is_not_there_fires_when_it_is_created() {
        let mut watches = watching(7, false);
        assert_eq!(told(&mut watches, &put(8, 1)), [Change::Created]);
    }

    #[test]
    fn what_the_line_tells_while_the_read_is_under_way_is_not_missed() {
        let (mut watches, watch) = (Watches::default(), Kept::Data(NODE.to_owned()));
        watches.asks(watch.clone());
        assert_eq!(told(&mut watches, &put(8, 2)), []);
        assert_eq!(told(&mut watches, &put(9, 3)), []);
        let fires = Some(Fired { path: NODE.to_owned(), change: Change::DataChanged });
        assert_eq!(watches.answered(&watch, 8, true), Some(fires));
        watches.asks(watch.clone());
        told(&mut watches, &put(10, 4));
        assert_eq!(watches.answered(&watch, 10, true), Some(None), "its read has shown it");
    }

    #[test]
    fn the_event_precedes_the_new_data() {
        let mut watches = watching(7, true);
        assert_eq!(watches.on_read(NODE, 7, at(5)), None, "the same data");
        assert_eq!(changes(watches.on_read(NODE, 9, at(9))), [Change::DataChanged]);
        assert_eq!(told(&mut watches, &put(9, 3)), [], "it has fired");
    }

    #[test]
    fn nodes_below_one_fire_its_childrens_watch_and_their_data_do_not() {
        let (mut watches, watch) = (Watches::default(), Kept::Children("/app".to_owned()));
        let set = |watches: &mut Watches, revision| {
            watches.asks(watch.clone());
            assert_eq!(watches.answered(&watch, revision, true), Some(None));
        };
        set(&mut watches, 7);
        assert_eq!(told(&mut watches, &put(8, 2)), []);
        assert_eq!(told(&mut watches, &delete(9)), [Change::ChildrenChanged]);
        set(&mut watches, 9);
        assert_eq!(told(&mut watches, &put(10, 1)), [Change::ChildrenChanged]);
        set(&mut watches, 10);
        let below = event(11, "/app/master/n4", Changed::Delete);
        assert_eq!(told(&mut watches, &below), [], "that is below another one");
    }

    /// Seen with 3.8.0 and its Java client: what a watch is told that was set again after the connection was lost.
    fn java(existed: bool, found: Found) -> Vec<Change> {
        let mut watches = watching(7, existed);
        assert_eq!(watches.line_lost(Kind::Java), []);
        changes(watches.set_again(20, |_| found))
    }

    #[test]
    fn with_javas_client_a_node_that_was_deleted_and_created_has_new_data() {
        assert_eq!(java(true, at(12)), [Change::DataChanged]);
    }

    #[test]
    fn with_javas_client_a_node_that_was_created_and_deleted_was_never_there() {
        assert_eq!(java(false, GONE), []);
    }

    #[test]
    fn with_javas_client_two_sets_are_one_event() {
        let mut watches = watching(7, true);
        watches.line_lost(Kind::Java);
        assert_eq!(changes(watches.set_again(20, |_| at(19))), [Change::DataChanged]);
        assert_eq!(told(&mut watches, &put(21, 9)), [], "it has fired");
    }

    #[test]
    fn with_javas_client_a_watch_whose_node_is_as_it_was_goes_on() {
        let mut watches = watching(7, true);
        watches.line_lost(Kind::Java);
        assert_eq!(watches.set_again(20, |_| at(5)), []);
        assert_eq!(told(&mut watches, &put(21, 9)), [Change::DataChanged]);
    }

    #[test]
    fn kazoo_tells_each_watch_none_once_and_forgets_it() {
        let mut watches = watching(7, true);
        watches.asks(Kept::Children("/app".to_owned()));
        watches.answered(&Kept::Children("/app".to_owned()), 7, true);
        assert_eq!(changes(watches.line_lost(Kind::Kazoo)), [Change::None, Change::None]);
        assert_eq!(watches.line_lost(Kind::Kazoo), []);
        assert_eq!(watches.set_again(20, |_| at(19)), []);
        assert_eq!(told(&mut watches, &put(21, 9)), []);
    }

    #[test]
    fn a_read_that_is_under_way_when_the_line_is_lost_sets_nothing() {
        let (mut watches, watch) = (Watches::default(), Kept::Data(NODE.to_owned()));
        watches.asks(watch.clone());
        watches.line_lost(Kind::Java);
        assert_eq!(watches.answered(&watch, 8, true), None);
    }
}
