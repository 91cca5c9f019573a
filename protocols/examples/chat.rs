//! A chat over real sockets: three nodes of a registry, a user on each.
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run -p splitbrain-protocols --example chat
//! ```
//!
//! starts three *processes* on loopback, one node and one user each, lets them talk, and ends. A user is a registered
//! process: its name is unique in the cluster. The room is a process group: what is said is published to its members,
//! wherever they are. "Who is here?" is a multi-call.
//!
//! To sit at the keyboard yourself, give each process its number, the three ports and a nickname, in three terminals:
//!
//! ```sh
//! RUSTFLAGS="" CARGO_TARGET_DIR=target/real cargo run -p splitbrain-protocols --example chat -- 1 7001,7002,7003 ann
//! ```
//!
//! A line is said to the room; `/who` asks who is here; `/tell bob …` finds bob by name. Kill a process, and the others
//! see its user leave.
#![allow(clippy::print_stdout)] // a chat is printed

#[cfg(madsim)]
fn main() {
    println!(
        "the chat uses real sockets: RUSTFLAGS=\"\" CARGO_TARGET_DIR=target/real cargo run --example chat"
    );
}

#[cfg(not(madsim))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &arguments[..] {
        [] => real::three_processes(),
        [node, ports, nickname] => {
            runtime.block_on(real::user(node.parse()?, &real::ports(ports)?, nickname))
        }
        _ => Err("give nothing, or: NODE PORT,PORT,PORT NICKNAME".into()),
    }
}

#[cfg(not(madsim))]
mod real {
    use futures::StreamExt as _;
    use protocols::registry::{Client, Config, Event, Inbox, NodeId, Options, Pid, Protocol, run, watch};
    use std::error::Error;
    use std::io::{BufRead as _, Write as _};
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};
    use std::process::{Command, Stdio};
    use std::time::Duration;
    use tokio::sync::mpsc;

    const ROOM: &str = "room";
    const ANSWER_WITHIN: Duration = Duration::from_secs(1);

    pub fn ports(text: &str) -> Result<Vec<u16>, std::num::ParseIntError> {
        text.split(',').map(str::parse).collect()
    }

    /// Starts the three, types for them, and waits for them to end.
    pub fn three_processes() -> Result<(), Box<dyn Error>> {
        let free =
            || Ok::<_, std::io::Error>(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port());
        let ports = [free()?, free()?, free()?];
        let ports = ports.map(|port| port.to_string()).join(",");
        let mut users = Vec::new();
        for (node, nickname) in [("1", "ann"), ("2", "bob"), ("3", "cyd")] {
            let mut user = Command::new(std::env::current_exe()?);
            users.push(user.args([node, ports.as_str(), nickname]).stdin(Stdio::piped()).spawn()?);
        }
        std::thread::sleep(Duration::from_secs(3));
        let script = [(0, "hello, everyone"), (1, "/who"), (2, "/tell ann hello to you"), (1, "good night")];
        for (user, line) in script {
            if let Some(keyboard) = &mut users[user].stdin {
                writeln!(keyboard, "{line}")?;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        for mut user in users {
            drop(user.stdin.take());
            user.wait()?;
            std::thread::sleep(Duration::from_millis(300));
        }
        Ok(())
    }

    /// One node, and one user at it.
    pub async fn user(node: u16, ports: &[u16], nickname: &str) -> Result<(), Box<dyn Error>> {
        let address = |port: &u16| SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
        let all = ports.iter().enumerate().map(|(index, port)| (NodeId(index as u16 + 1), address(port)));
        let home = ports.get(usize::from(node).wrapping_sub(1)).map(address).ok_or("no such node")?;
        let peers = all.filter(|(peer, _)| peer.0 != node).collect();
        let options = Options { protocol: Protocol::Converged, ..Options::default() };
        let server =
            tokio::spawn(run(Config { id: NodeId(node), listen: home, peers, options, resolve: None }));

        let mut registry = loop {
            match Client::connect(home).await {
                Ok(client) => break client,
                Err(_) if !server.is_finished() => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => return Err(error.into()),
            }
        };
        let me = registry.spawn().await?;
        registry.register(nickname, me, "").await?;
        registry.join(ROOM, me, nickname).await?;
        tokio::spawn(listen(nickname.to_owned(), home, me));
        tokio::spawn(see_who_comes_and_goes(nickname.to_owned(), home));

        let mut keyboard = lines();
        while let Some(line) = keyboard.recv().await {
            match line.split_once(' ') {
                _ if line == "/who" => {
                    let (here, silent) = registry.multi_call(ROOM, "who", ANSWER_WITHIN).await?;
                    let here: Vec<&str> = here.iter().map(|(_, name)| name.as_str()).collect();
                    println!("[{nickname}] here: {} ({} did not answer)", here.join(", "), silent.len());
                }
                Some(("/tell", rest)) => {
                    let (to, what) = rest.split_once(' ').unwrap_or((rest, ""));
                    match registry.lookup(to).await? {
                        // A group of one: whoever has the name now.
                        Some((pid, _)) => tell(&mut registry, nickname, pid, what).await?,
                        None => println!("[{nickname}] {to} is not here"),
                    }
                }
                _ => drop(registry.publish(ROOM, &format!("{nickname}: {line}")).await?),
            }
        }
        registry.kill(me).await?;
        // The others hear it before this node goes.
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.abort();
        Ok(())
    }

    async fn tell(registry: &mut Client, from: &str, to: Pid, what: &str) -> Result<(), Box<dyn Error>> {
        let private = format!("private-{from}-{to}");
        registry.join(&private, to, "").await?;
        registry.publish(&private, &format!("{from}, to you alone: {what}")).await?;
        Ok(registry.leave(&private, to).await?)
    }

    async fn listen(nickname: String, home: SocketAddr, me: Pid) {
        let Ok(mut inbox) = Inbox::attach(home, me).await else { return };
        while let Ok(Some(message)) = inbox.next().await {
            if message.question.is_some() {
                // Who asks has gone, at worst.
                let _ = inbox.answer(&message, &nickname).await;
            } else {
                println!("[{nickname}] {}", message.body);
            }
        }
    }

    async fn see_who_comes_and_goes(nickname: String, home: SocketAddr) {
        let Ok(mut events) = watch(home).await else { return };
        while let Some(event) = events.next().await {
            match event {
                Event::Registered { name, pid, .. } => println!("[{nickname}] * {name} comes, as {pid}"),
                Event::Unregistered { name, .. } => println!("[{nickname}] * {name} has gone"),
                _ => {}
            }
        }
    }

    /// Lines from the keyboard. Its thread ends with the process.
    fn lines() -> mpsc::UnboundedReceiver<String> {
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        lines
    }
}
