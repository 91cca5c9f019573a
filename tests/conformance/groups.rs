//! `syn_pg_SUITE`.

use crate::cluster::{Cluster, IMPOSTORS, address, case, case_with};
use futures::StreamExt;
use protocols::registry::{ClientError, DEFAULT_SCOPE, Event, Inbox, Options, Pid, Refusal, watch};
use std::time::Duration;

/// The members of a group, on each node.
fn everywhere(cluster: &Cluster, group: &str) -> Vec<Vec<(Pid, String)>> {
    let members = |node| {
        cluster
            .view(node)
            .scope(DEFAULT_SCOPE)
            .unwrap()
            .groups
            .get(group)
            .into_iter()
            .flatten()
            .map(|(p, m)| (*p, m.clone()))
            .collect()
    };
    (1..=cluster.nodes).map(members).collect()
}

fn all(cluster: &Cluster, members: &[(Pid, &str)]) -> Vec<Vec<(Pid, String)>> {
    let mut members: Vec<(Pid, String)> =
        members.iter().map(|(pid, meta)| (*pid, (*meta).to_owned())).collect();
    members.sort();
    (0..cluster.nodes).map(|_| members.clone()).collect()
}

#[test]
fn one_node_strict_mode() {
    let strict = Options { strict: true, ..Options::default() };
    case_with(1, &strict, |cluster| async move {
        let (mut process, mut other) = (cluster.client(1).await, cluster.client(1).await);
        let pid = process.spawn().await.unwrap();
        let refused = other.join("group", pid, "").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused(Refusal::NotSelf)), "{refused}");
        process.join("group", pid, "metadata").await.unwrap();
        assert_eq!(everywhere(&cluster, "group"), all(&cluster, &[(pid, "metadata")]));
    });
}

#[test]
fn two_nodes_member_count() {
    case(2, |cluster| async move {
        let mut nodes = cluster.clients().await;
        let (on_1, on_2) = (cluster.spawn(1).await, cluster.spawn(2).await);
        assert_eq!(nodes[0].members("group").await.unwrap(), []);
        nodes[0].join("group", on_1, "").await.unwrap();
        nodes[0].join("group", on_2, "").await.unwrap();
        cluster.settle().await;
        for node in &mut nodes {
            let members = node.members("group").await.unwrap();
            assert_eq!(members.len(), 2);
            assert_eq!(members.iter().filter(|(pid, _)| pid.node == on_1.node).count(), 1);
        }
    });
}

/// Who sees a scope's group, and whose members.
fn seen(cluster: &Cluster, scope: &str) -> Vec<Vec<u16>> {
    let of = |node| {
        let view = cluster.view_if_up(node);
        let members = view.as_ref().and_then(|view| view.scope(scope)?.groups.get("group"));
        members.into_iter().flatten().map(|(pid, _)| pid.node.0).collect()
    };
    (1..=cluster.nodes).map(of).collect()
}

#[test]
fn three_nodes_discover() {
    case(3, |cluster| async move {
        let scopes: [(u8, &[&str]); 3] =
            [(1, &["ab", "all"]), (2, &["ab", "bc", "all"]), (3, &["bc", "c", "all"])];
        // Two have members already when the third adds the scopes.
        for added in [&scopes[..2], &scopes[2..]] {
            cluster.add_scopes(added).await;
            for (node, scopes) in added {
                let mut client = cluster.client(*node).await;
                let pid = client.spawn().await.unwrap();
                for scope in *scopes {
                    client.scope(scope).join("group", pid, "").await.unwrap();
                }
            }
            cluster.settle().await;
        }
        let subclusters = || {
            assert_eq!(seen(&cluster, "ab"), [vec![1, 2], vec![1, 2], vec![]]);
            assert_eq!(seen(&cluster, "bc"), [vec![], vec![2, 3], vec![2, 3]]);
            assert_eq!(seen(&cluster, "c"), [vec![], vec![], vec![3]]);
            assert_eq!(seen(&cluster, "all"), [vec![1, 2, 3], vec![1, 2, 3], vec![1, 2, 3]]);
        };
        subclusters();
        cluster.cut(1, 3).await;
        assert_eq!(seen(&cluster, "all"), [vec![1, 2], vec![1, 2, 3], vec![2, 3]]);
        assert_eq!(seen(&cluster, "ab"), [vec![1, 2], vec![1, 2], vec![]]);
        cluster.mend(1, 3).await;
        subclusters();
        for (node, scope) in [(3, "bc"), (1, "ab"), (1, "all")] {
            cluster.client(node).await.scope(scope).crash_scope().await.unwrap();
            cluster.settle().await;
            subclusters();
        }
    });
}

#[test]
fn three_nodes_join_filter_unknown_node() {
    case(3, |cluster| async move {
        cluster.add_scopes(&[(2, &["bc"]), (3, &["bc"])]).await;
        let mut impostor = cluster.impostor().await;
        // In the scope bc: its first process joins the group, without metadata.
        let sync_join = b"\x02bc\x08\x05group\x01\x05\x01\x00";
        impostor.says(sync_join).await;
        assert_eq!(seen(&cluster, "bc")[1], [0u16; 0]);
        // In the scope bc: a snapshot of groups with nothing in it.
        impostor.says(b"\x02bc\x07\x00").await;
        impostor.says(sync_join).await;
        assert_eq!(seen(&cluster, "bc")[1], [1]);
    });
}

#[test]
fn three_nodes_ack_sync_reconciles_pg_snapshot() {
    case(3, |cluster| async move {
        let mut impostor = cluster.impostor().await;
        // A snapshot: its first process is in the group. Then one with nothing in it.
        impostor.says(b"\x00\x07\x01\x05group\x01\x05\x01\x00").await;
        let mut client = cluster.client(2).await;
        assert_eq!(client.member("group", IMPOSTORS).await.unwrap(), Some(String::new()));
        impostor.says(b"\x00\x07\x00").await;
        assert_eq!(client.member("group", IMPOSTORS).await.unwrap(), None);
        assert_eq!(client.groups().await.unwrap(), [""; 0]);
    });
}

#[test]
fn three_nodes_member_and_update() {
    case(3, |cluster| async move {
        let mut nodes = cluster.clients().await;
        let (pid, on_2) = (cluster.spawn(1).await, cluster.spawn(2).await);
        for _ in 0..2 {
            nodes[0].join("group", pid, "10").await.unwrap();
        }
        nodes[1].join("group", pid, "10").await.unwrap();
        assert_eq!(nodes[0].member("group", pid).await.unwrap(), Some("10".to_owned()));
        assert_eq!(nodes[0].member("group", on_2).await.unwrap(), None);
        let absent = nodes[0].update_member("group", on_2, str::to_owned).await.unwrap_err();
        assert!(matches!(absent, ClientError::Refused(Refusal::NotInGroup)), "{absent}");

        let mut streams = Vec::new();
        for node in 1..=3 {
            streams.push(watch(address(node)).await.unwrap());
        }
        cluster.settle().await;
        let twice = |meta: &str| (meta.parse::<u32>().unwrap() * 2).to_string();
        assert_eq!(nodes[0].update_member("group", pid, twice).await.unwrap(), "20");
        cluster.settle().await;
        assert_eq!(everywhere(&cluster, "group"), all(&cluster, &[(pid, "20")]));
        // The same again is no news.
        nodes[0].update_member("group", pid, str::to_owned).await.unwrap();
        nodes[0].join("group", on_2, "1000").await.unwrap();
        cluster.settle().await;
        assert_eq!(nodes[0].update_member("group", on_2, |_| "1001".to_owned()).await.unwrap(), "1001");
        cluster.settle().await;
        assert_eq!(everywhere(&cluster, "group"), all(&cluster, &[(pid, "20"), (on_2, "1001")]));
        let group = "group".to_owned();
        let rejoined = |pid, meta: &str, before: &str| Event::Rejoined {
            group: group.clone(),
            pid,
            meta: meta.to_owned(),
            before: before.to_owned(),
        };
        let expected = [
            Event::Joined { group: group.clone(), pid, meta: "10".to_owned() },
            rejoined(pid, "20", "10"),
            Event::Joined { group: group.clone(), pid: on_2, meta: "1000".to_owned() },
            rejoined(on_2, "1001", "1000"),
        ];
        for stream in &mut streams {
            assert_eq!(stream.take(expected.len()).collect::<Vec<_>>().await, expected);
        }
    });
}

#[test]
fn three_nodes_join_leave_and_monitor() {
    case(3, |cluster| async move {
        let mut nodes = cluster.clients().await;
        let (pid, with_meta, on_2) = (cluster.spawn(1).await, cluster.spawn(1).await, cluster.spawn(2).await);
        nodes[0].join("one", pid, "").await.unwrap();
        nodes[0].join("one", with_meta, "with meta").await.unwrap();
        nodes[0].join("two", pid, "").await.unwrap();
        nodes[2].join("one", on_2, "remote").await.unwrap();
        cluster.settle().await;
        let one = [(pid, ""), (with_meta, "with meta"), (on_2, "remote")];
        assert_eq!(everywhere(&cluster, "one"), all(&cluster, &one));
        assert_eq!(everywhere(&cluster, "two"), all(&cluster, &[(pid, "")]));
        // To join again is to change one's metadata.
        nodes[0].join("one", with_meta, "changed").await.unwrap();
        let dead = Pid { serial: 9999, ..pid };
        let refused = nodes[0].join("one", dead, "").await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused(Refusal::NotAlive)), "{refused}");
        let refused = nodes[0].leave("two", with_meta).await.unwrap_err();
        assert!(matches!(refused, ClientError::Refused(Refusal::NotInGroup)), "{refused}");
        nodes[1].leave("one", pid).await.unwrap();
        cluster.settle().await;
        assert_eq!(everywhere(&cluster, "one"), all(&cluster, &[(with_meta, "changed"), (on_2, "remote")]));
        for dies in [pid, with_meta, on_2] {
            nodes[2].kill(dies).await.unwrap();
        }
        cluster.settle().await;
        assert_eq!(everywhere(&cluster, "one"), all(&cluster, &[]));
        assert_eq!(everywhere(&cluster, "two"), all(&cluster, &[]));
    });
}

#[test]
fn three_nodes_cluster_changes() {
    case(3, |cluster| async move {
        let mut nodes = cluster.clients().await;
        for (a, b) in [(1, 2), (1, 3), (2, 3)] {
            cluster.cut(a, b).await;
        }
        let (on_1, on_2) = (cluster.spawn(1).await, cluster.spawn(2).await);
        nodes[0].join("common", on_1, "meta-1").await.unwrap();
        nodes[1].join("common", on_2, "meta-2").await.unwrap();
        let (one, two) = ((on_1, "meta-1".to_owned()), (on_2, "meta-2".to_owned()));
        assert_eq!(everywhere(&cluster, "common"), [vec![one.clone()], vec![two.clone()], vec![]]);
        for (a, b) in [(1, 2), (1, 3), (2, 3)] {
            cluster.mend(a, b).await;
        }
        assert_eq!(everywhere(&cluster, "common"), all(&cluster, &[(on_1, "meta-1"), (on_2, "meta-2")]));
        cluster.cut(1, 2).await;
        assert_eq!(everywhere(&cluster, "common"), [vec![one.clone()], vec![two.clone()], vec![one, two]]);
        cluster.mend(1, 2).await;
        assert_eq!(everywhere(&cluster, "common"), all(&cluster, &[(on_1, "meta-1"), (on_2, "meta-2")]));
    });
}

#[test]
fn three_nodes_custom_event_handler_joined_left() {
    case(3, |cluster| async move {
        let mut nodes = cluster.clients().await;
        let mut streams = Vec::new();
        for node in 1..=3 {
            streams.push(watch(address(node)).await.unwrap());
        }
        cluster.settle().await;
        let on_2 = cluster.spawn(2).await;
        nodes[0].join("group", on_2, "a").await.unwrap();
        cluster.settle().await;
        nodes[1].kill(on_2).await.unwrap();
        cluster.settle().await;
        let group = "group".to_owned();
        let expected = [
            Event::Joined { group: group.clone(), pid: on_2, meta: "a".to_owned() },
            Event::Left { group, pid: on_2 },
        ];
        for stream in &mut streams {
            let seen: Vec<Event> = stream.take(2).collect().await;
            assert_eq!(seen, expected);
        }
    });
}

#[test]
fn three_nodes_publish() {
    case(3, |cluster| async move {
        let mut nodes = cluster.clients().await;
        let mut inboxes = Vec::new();
        for node in 1..=3 {
            let pid = cluster.spawn(node).await;
            nodes[0].join("room", pid, "").await.unwrap();
            inboxes.push(Inbox::attach(address(node), pid).await.unwrap());
        }
        let outsider = cluster.spawn(1).await;
        let mut unheard = Inbox::attach(address(1), outsider).await.unwrap();
        cluster.settle().await;
        assert_eq!(nodes[1].publish("room", "to all").await.unwrap(), 3);
        for inbox in &mut inboxes {
            assert_eq!(inbox.next().await.unwrap().unwrap().body, "to all");
        }
        assert_eq!(nodes[2].local_publish("room", "to n3").await.unwrap(), 1);
        assert_eq!(inboxes[2].next().await.unwrap().unwrap().body, "to n3");
        assert_eq!(nodes[0].publish("nobody", "x").await.unwrap(), 0);
        for inbox in [&mut inboxes[0], &mut unheard] {
            assert!(tokio::time::timeout(Duration::from_secs(1), inbox.next()).await.is_err());
        }
    });
}

#[test]
fn three_nodes_multi_call() {
    case(3, |cluster| async move {
        let mut nodes = cluster.clients().await;
        let mut pids = Vec::new();
        for node in 1..=3 {
            let pid = cluster.spawn(node).await;
            nodes[0].join("room", pid, "").await.unwrap();
            let mut inbox = Inbox::attach(address(node), pid).await.unwrap();
            pids.push(pid);
            tokio::spawn(async move {
                while let Ok(Some(message)) = inbox.next().await {
                    // The third reads, and does not answer.
                    if node != 3 {
                        inbox.answer(&message, &format!("{} from {node}", message.body)).await.unwrap();
                    }
                }
            });
        }
        cluster.settle().await;
        let (answers, silent) =
            nodes[1].multi_call("room", "hello", Duration::from_millis(500)).await.unwrap();
        assert_eq!(answers, [(pids[0], "hello from 1".to_owned()), (pids[1], "hello from 2".to_owned())]);
        assert_eq!(silent, [pids[2]]);
    });
}

#[test]
fn three_nodes_group_names() {
    case(3, |cluster| async move {
        let mut nodes = cluster.clients().await;
        let (on_1, on_2) = (cluster.spawn(1).await, cluster.spawn(2).await);
        nodes[0].join("subscribers", on_1, "").await.unwrap();
        nodes[0].join("queues", on_2, "").await.unwrap();
        cluster.settle().await;
        for node in &mut nodes {
            assert_eq!(node.groups().await.unwrap(), ["queues", "subscribers"]);
        }
        nodes[1].leave("queues", on_2).await.unwrap();
        cluster.settle().await;
        for node in &mut nodes {
            assert_eq!(node.groups().await.unwrap(), ["subscribers"]);
        }
    });
}

#[test]
fn four_nodes_concurrency() {
    case(4, |cluster| async move {
        let work = |node: u8| async move {
            let mut client = cluster.client(node).await;
            for index in 0..250u32 {
                let pid = client.spawn().await.unwrap();
                client.join("group", pid, "").await.unwrap();
                match index % 3 {
                    0 => client.leave("group", pid).await.unwrap(),
                    1 => client.kill(pid).await.unwrap(),
                    _ => {}
                }
            }
        };
        tokio::join!(work(1), work(2), work(3), work(4));
        cluster.settle().await;
        let members = everywhere(&cluster, "group");
        assert_eq!(members[0].len(), 4 * 83);
        assert!(members.iter().all(|there| *there == members[0]));
    });
}
