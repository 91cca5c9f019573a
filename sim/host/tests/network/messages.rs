//! What a recorded run shows of the messages that nodes describe.

use crate::support::{self, Cluster, machines};
use crate::{N1, N2, connection, cut, heal, hold, mend, ms, part, release, sleep};
use host::net::UdpSocket;
use host::trace;
use host::world::{self, Config, Happening, LinkFault, TraceLine};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Runs a case of two machines in a recorded run. Returns what happened to messages: `n1→n2 1 sent: hello`.
fn recorded<F: Future<Output = ()>>(test: impl FnOnce(Cluster) -> F + Send) -> Vec<String> {
    support::simulate(Config { recording: true, ..machines(1, 2) }, |cluster| async move {
        test(cluster).await;
        world::with(world::World::take_trace)
            .iter()
            .filter_map(|event| match &event.happening {
                Happening::Message(message) => Some(format!(
                    "n{}→n{} {} {}: {}",
                    message.from.number(),
                    message.to.number(),
                    message.id,
                    message.step.name(),
                    message.content
                )),
                _ => None,
            })
            .collect()
    })
}

/// Encodes a message as its length and its letters, and says what it is.
fn encode(text: &str) -> Vec<u8> {
    let mut bytes = vec![text.len() as u8];
    bytes.extend_from_slice(text.as_bytes());
    trace::message(&bytes, format_args!("{text}"));
    bytes
}

#[test]
fn a_message_is_shown_where_it_departs_and_where_it_arrives() {
    let seen = recorded(|cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        n2.write_all(&[encode("one"), encode("two")].concat()).await.unwrap();
        n1.read_exact(&mut [0; 8]).await.unwrap();
    });
    let expected =
        ["n2→n1 1 sent: one", "n2→n1 2 sent: two", "n2→n1 1 delivered: one", "n2→n1 2 delivered: two"];
    assert_eq!(seen, expected);
}

#[test]
fn a_message_that_is_lost_keeps_its_number_when_it_is_sent_again() {
    let seen = recorded(|cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        part();
        n2.write_all(&encode("lost")).await.unwrap();
        sleep(ms(50)).await;
        n2.write_all(&encode("late")).await.unwrap();
        heal();
        n1.read_exact(&mut [0; 10]).await.unwrap();
    });
    let expected = [
        "n2→n1 1 sent: lost",
        "n2→n1 1 lost: lost",
        "n2→n1 2 sent: late",
        "n2→n1 2 waits: late",
        "n2→n1 1 resent: lost",
        "n2→n1 2 resent: late",
        "n2→n1 1 delivered: lost",
        "n2→n1 2 delivered: late",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_message_that_is_cut_off_on_its_way_is_lost_there() {
    let seen = recorded(|cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        n2.write_all(&encode("lost")).await.unwrap();
        sleep(ms(5)).await;
        part();
        sleep(ms(50)).await;
        heal();
        n1.read_exact(&mut [0; 5]).await.unwrap();
    });
    let steps = ["sent", "lost", "resent", "delivered"];
    assert_eq!(seen, steps.map(|step| format!("n2→n1 1 {step}: lost")));
}

#[test]
fn a_message_that_is_held_says_so() {
    let seen = recorded(|cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        hold(N2, N1);
        n2.write_all(&encode("held")).await.unwrap();
        sleep(ms(50)).await;
        release(N2, N1);
        n1.read_exact(&mut [0; 5]).await.unwrap();
    });
    let steps = ["sent", "held", "resent", "delivered"];
    assert_eq!(seen, steps.map(|step| format!("n2→n1 1 {step}: held")));
}

#[test]
fn a_message_that_meets_a_closed_end_is_refused() {
    let seen = recorded(|cluster| async move {
        let (n1, mut n2) = connection(&cluster).await;
        drop(n1);
        n2.write_all(&encode("late")).await.unwrap();
        sleep(ms(50)).await;
    });
    assert_eq!(seen, ["sent", "refused"].map(|step| format!("n2→n1 1 {step}: late")));
}

#[test]
fn what_a_proxy_passes_on_is_recognised() {
    let seen = recorded(|cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        // Said by n1, and sent by n2, in pieces.
        let bytes = cluster.on(N1, async { encode("hello") }).await.unwrap();
        n2.write_all(&bytes[..2]).await.unwrap();
        n2.write_all(&bytes[2..]).await.unwrap();
        n1.read_exact(&mut [0; 6]).await.unwrap();
    });
    assert_eq!(seen, ["n2→n1 1 sent: hello", "n2→n1 1 delivered: hello"]);
}

#[test]
fn datagrams_are_shown_lost_doubled_and_held() {
    let seen = recorded(|cluster| async move {
        let n1 = cluster.on(N1, UdpSocket::bind("10.0.0.1:9")).await.unwrap().unwrap();
        let n2 = cluster.on(N2, UdpSocket::bind("10.0.0.2:9")).await.unwrap().unwrap();
        let mut into = [0; 9];
        let send = async |text: &str| n2.send_to(&encode(text), "10.0.0.1:9").await.unwrap();
        cut(N2, N1);
        send("lost").await;
        mend(N2, N1);
        hold(N2, N1);
        send("held").await;
        sleep(ms(50)).await;
        release(N2, N1);
        n1.recv(&mut into).await.unwrap();
        world::with(|world| world.set_link_fault(N2, N1, LinkFault::Duplicating { probability: 1.0 }))
            .unwrap();
        send("two").await;
        n1.recv(&mut into).await.unwrap();
        n1.recv(&mut into).await.unwrap();
        // Nobody has described it.
        n2.send_to(b"?", "10.0.0.1:9").await.unwrap();
        n1.recv(&mut into).await.unwrap();
    });
    let expected = [
        "1 sent: lost",
        "1 lost: lost",
        "2 sent: held",
        "2 held: held",
        "2 resent: held",
        "2 delivered: held",
        "3 sent: two",
        "3 delivered: two",
        "3 delivered: two",
    ];
    assert_eq!(seen, expected.map(|line| format!("n2→n1 {line}")));
}

#[test]
fn nothing_is_formatted_where_nothing_is_recorded() {
    #[derive(Clone, Copy)]
    struct Unspeakable;
    impl std::fmt::Debug for Unspeakable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("nobody reads it")
        }
    }
    support::simulate(machines(1, 2), |cluster| async move {
        cluster.on(N1, async { trace::message(b"x", Unspeakable) }).await.unwrap();
    });
    trace::message(b"x", Unspeakable);
}

#[test]
fn a_line_of_a_trace_is_read_as_it_was_written() {
    support::simulate(Config { recording: true, ..machines(1, 2) }, |cluster| async move {
        let (mut n1, mut n2) = connection(&cluster).await;
        n2.write_all(&encode("\u{1b}[31m<script>")).await.unwrap();
        n1.read_u8().await.unwrap();
        world::crash(N1, world::Death::Power);
        let names = ["n1".to_owned(), "n2".to_owned()];
        for (number, event) in (1..).zip(&world::with(world::World::take_trace)) {
            let line = event.line(number, &names);
            let text = serde_json::to_string(&line).unwrap();
            assert!(!text.contains('\u{1b}'), "{text}");
            assert_eq!(serde_json::from_str::<TraceLine<'static>>(&text).unwrap(), line);
        }
    });
}
