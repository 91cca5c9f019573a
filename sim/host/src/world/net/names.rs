//! Names: what the name service says, and what each machine remembers of it.
//!
//! A machine's own name always stands for its address, as if by `/etc/hosts`. Other names are records of the name
//! service, which the testbed changes; a machine that has looked one up believes the answer for its time to live, as a
//! caching resolver does. A change is therefore seen by each machine in its own time. The memory is the machine's: it
//! survives a crash of the process, and not a loss of power.
//!
//! Gives up: the service is always reachable and answers at once; that a name is unknown is not remembered.

use super::address::Addresses;
use crate::world::{Ground, MachineId, World};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// The name service, and what each machine remembers of it.
pub(in crate::world) struct Names {
    records: BTreeMap<String, Answer>,
    /// By machine, and until when, in ns.
    remembered: Vec<BTreeMap<String, (Vec<IpAddr>, u64)>>,
}

/// What the name service says of a name.
#[derive(Debug, Clone)]
struct Answer {
    addresses: Vec<IpAddr>,
    ttl_ns: u64,
}

impl Names {
    pub(super) fn new(machines: usize) -> Self {
        Names { records: BTreeMap::new(), remembered: vec![BTreeMap::new(); machines] }
    }

    /// A machine loses its power.
    pub(super) fn forget(&mut self, host: MachineId) {
        self.remembered[host.index()].clear();
    }

    /// What a name stands for, as the calling machine sees it.
    pub(super) fn look_up(
        &mut self,
        ground: &Ground,
        addresses: &Addresses,
        name: &str,
    ) -> io::Result<Vec<IpAddr>> {
        if name == "localhost" {
            return Ok(vec![Ipv4Addr::LOCALHOST.into()]);
        }
        if let Some(host) = ground.machines.named(name) {
            return Ok(vec![addresses.own(host)]);
        }
        let now = ground.clock.now_ns();
        let host = ground.machines.current();
        let remembered = host.and_then(|host| self.remembered[host.index()].get(name));
        if let Some((addresses, _)) = remembered.filter(|(_, until)| now < *until) {
            return Ok(addresses.clone());
        }
        let Some(record) = self.records.get(name) else {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no machine is named {name:?}")));
        };
        if let Some(host) = host {
            let until = now.saturating_add(record.ttl_ns);
            self.remembered[host.index()].insert(name.to_owned(), (record.addresses.clone(), until));
        }
        Ok(record.addresses.clone())
    }
}

impl World {
    /// Sets what a name stands for, and for how long an answer is believed. No addresses: the name is unknown from now
    /// on. The name of a machine always stands for its own address, whatever is set here.
    pub fn set_name(&mut self, name: &str, addresses: &[IpAddr], ttl: Duration) {
        let records = &mut self.net.names.records;
        if addresses.is_empty() {
            records.remove(name);
        } else {
            let ttl_ns = u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX);
            records.insert(name.to_owned(), Answer { addresses: addresses.to_vec(), ttl_ns });
        }
    }

    /// What a name stands for, as the calling machine sees it.
    pub(crate) fn look_up(&mut self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.net.names.look_up(&self.ground, &self.net.ip.addresses, name)
    }
}
