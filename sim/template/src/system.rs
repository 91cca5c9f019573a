//! The system under test: how a node boots, what clients do, what is checked.

use crate::client::{CounterClient, Op};
use crate::node::{self, Options, View};
use sim::check::{Checkers, Seen, Views};
use sim::{Client, ClientContext, NodeContext, Operation, System};
use std::collections::BTreeMap;
use std::io;

/// The counter.
#[derive(Debug)]
pub struct Counter;

impl System for Counter {
    type Options = Options;
    type Op = Op;
    type Ret = String;
    type View = View;

    const NAME: &'static str = "counter";

    fn operations() -> &'static [Operation<Op>] {
        &[Operation("add", |_, _| Op::Add), Operation("sum", |_, _| Op::Sum)]
    }

    fn probes() -> Vec<&'static str> {
        vec!["added"]
    }

    async fn node(&self, node: NodeContext<Options>) -> io::Result<()> {
        node::run(node.id, node.nodes, node.options).await
    }

    fn client(&self, client: ClientContext<Options>) -> impl Client<Op, String> {
        CounterClient::new(client.nodes[client.id as usize % client.nodes.len()])
    }

    fn checkers(&self) -> Checkers<Op, String, View> {
        let mut most = BTreeMap::new();
        Checkers::<Op, String, View>::new()
            .convergence(all_count_the_same)
            .invariant("monotonic", move |seen| monotonic(&mut most, seen))
    }
}

/// In the end, when faults are over, all count the same.
fn all_count_the_same(views: &Views<View>) -> Result<(), String> {
    let mut up = views.up();
    let Some((first, view)) = up.next() else { return Ok(()) };
    match up.find(|(_, other)| other.counts != view.counts) {
        Some((other, _)) => Err(format!("n{first} and n{other} do not count the same")),
        None => Ok(()),
    }
}

/// Nobody's own count ever falls. It is what `forgetful` breaks.
fn monotonic(most: &mut BTreeMap<String, u64>, seen: &Seen<'_, View>) -> Result<(), String> {
    for (_, view) in seen.views.up() {
        let count = view.counts.get(&view.me).copied().unwrap_or_default();
        let most = most.entry(view.me.clone()).or_insert(0);
        if count < *most {
            return Err(format!("{} counts {count} after {most}", view.me));
        }
        *most = count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(counts: [u64; 2]) -> Views<View> {
        let view = |count| View { me: "n1/7".into(), counts: BTreeMap::from([("n1/7".into(), count)]) };
        Views::new(counts.map(|count| Some(view(count))).into())
    }

    #[test]
    fn equal_counts_have_converged_and_others_have_not() {
        assert_eq!(all_count_the_same(&views([3, 3])), Ok(()));
        assert!(all_count_the_same(&views([3, 4])).is_err());
    }
}
