//! Elections of three and four nodes, of which n1 was the primary.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const PRIMARY: Upstream<'static> = Upstream { id: 1, location: "default" };

fn own() -> Own<'static> {
    Own { id: 2, priority: 100, location: "default", received: Lsn(7) }
}

/// A standby that has as much as n2, and does not see the primary.
fn standby(id: u32) -> Sibling<'static> {
    let said = Said { daemon: true, primary: None, saw: Some((1, 60 * SECOND)), received: Lsn(7) };
    Sibling { id, priority: 100, location: "default", is_witness: false, said: Some(said) }
}

fn witness(id: u32, saw: Duration) -> Sibling<'static> {
    let said = Said { daemon: true, primary: None, saw: Some((1, saw)), received: Lsn(0) };
    Sibling { is_witness: true, said: Some(said), ..standby(id) }
}

fn unseen(id: u32) -> Sibling<'static> {
    Sibling { said: None, ..standby(id) }
}

fn says(sibling: Sibling<'static>, change: impl FnOnce(&mut Said)) -> Sibling<'static> {
    let mut said = sibling.said.unwrap();
    change(&mut said);
    Sibling { said: Some(said), ..sibling }
}

fn elects(siblings: &[Sibling<'_>]) -> Election {
    elect(&own(), PRIMARY, siblings, &Options::default())
}

#[test]
fn a_standby_without_siblings_wins_by_default_where_the_primary_was() {
    assert_eq!(elects(&[]), Election::Won);
}

#[test]
fn a_standby_without_siblings_elsewhere_is_no_candidate_unless_the_flaw_is_on() {
    let elsewhere = Own { location: "north", ..own() };
    assert_eq!(elect(&elsewhere, PRIMARY, &[], &Options::default()), Election::NotCandidate);
    let flawed = Options { flaw: Some(Flaw::WinByDefault), ..Options::default() };
    assert_eq!(elect(&elsewhere, PRIMARY, &[], &flawed), Election::Won);
}

#[test]
fn who_has_received_most_wins_then_the_priority_then_the_lower_number() {
    assert_eq!(elects(&[says(standby(3), |said| said.received = Lsn(8))]), Election::Lost);
    assert_eq!(elects(&[says(standby(3), |said| said.received = Lsn(6))]), Election::Won);
    assert_eq!(elects(&[Sibling { priority: 101, ..standby(3) }]), Election::Lost);
    assert_eq!(elects(&[Sibling { priority: 99, ..standby(3) }]), Election::Won);
    assert_eq!(elects(&[standby(3)]), Election::Won);
    assert_eq!(elect(&Own { id: 4, ..own() }, PRIMARY, &[standby(3)], &Options::default()), Election::Lost);
    let ahead = Sibling { priority: 1, ..says(standby(3), |said| said.received = Lsn(8)) };
    assert_eq!(elects(&[ahead]), Election::Lost, "the priority is looked at after that");
}

#[test]
fn with_a_priority_of_0_nobody_wins_whatever_it_has() {
    let never = Own { priority: 0, ..own() };
    assert_eq!(elect(&never, PRIMARY, &[], &Options::default()), Election::Lost);
    let ahead = says(standby(3), |said| said.received = Lsn(8));
    assert_eq!(elects(&[Sibling { priority: 0, ..ahead }]), Election::Won);
}

#[test]
fn who_sees_half_of_the_nodes_or_fewer_promotes_nobody_and_the_witness_counts() {
    let why = Election::Cancelled("half of the nodes or more are not seen");
    assert_eq!(elects(&[unseen(3)]), why, "one of two");
    assert_eq!(elects(&[unseen(3), unseen(4)]), why, "one of three");
    assert_eq!(elects(&[unseen(3), standby(4)]), Election::Won);
    assert_eq!(elects(&[unseen(3), witness(4, 60 * SECOND)]), Election::Won);
}

#[test]
fn a_witness_that_sees_the_primary_counts_and_nothing_else_unless_there_is_to_be_consensus() {
    let sees = [witness(3, SECOND)];
    assert_eq!(elects(&sees), Election::Won);
    let consensus = Options { primary_visibility_consensus: true, ..Options::default() };
    let why = Election::Cancelled("somebody sees the primary");
    assert_eq!(elect(&own(), PRIMARY, &sees, &consensus), why);
    let long_ago = [witness(3, 4 * SECOND)];
    assert_eq!(elect(&own(), PRIMARY, &long_ago, &consensus), Election::Won, "two intervals are over");
    let other = [says(witness(3, SECOND), |said| said.saw = Some((4, SECOND)))];
    assert_eq!(elect(&own(), PRIMARY, &other, &consensus), Election::Won, "it monitors another one");
    let flawed = Options { flaw: Some(Flaw::WitnessIgnored), ..consensus };
    assert_eq!(elect(&own(), PRIMARY, &sees, &flawed), Election::Won);
}

#[test]
fn from_another_location_somebody_in_the_primarys_must_be_seen() {
    let elsewhere = Own { location: "north", ..own() };
    let north = |sibling| Sibling { location: "north", ..sibling };
    let elect = |siblings: &[Sibling<'_>]| elect(&elsewhere, PRIMARY, siblings, &Options::default());
    let why = Election::Cancelled("nobody in the primary's location is seen");
    assert_eq!(elect(&[north(standby(3))]), why);
    assert_eq!(elect(&[north(standby(3)), unseen(4)]), why);
    assert_eq!(elect(&[north(standby(3)), witness(4, 60 * SECOND)]), Election::Won);
}

#[test]
fn a_sibling_that_is_a_primary_already_is_followed_if_it_can_be() {
    let primary = |can| says(standby(3), |said| said.primary = Some(can));
    assert_eq!(elects(&[primary(true)]), Election::Follow(3));
    let rogue = says(primary(false), |said| said.received = Lsn(9));
    assert_eq!(elects(&[rogue]), Election::Won, "it is ignored, and counts");
}

/// Its own database is a primary at all times.
#[test]
fn a_witness_is_neither_followed_nor_elected() {
    let itself = says(witness(3, 60 * SECOND), |said| said.primary = Some(true));
    assert_eq!(elects(&[itself]), Election::Won);
    let node = Sibling { is_witness: false, ..itself };
    assert_eq!(elects(&[node]), Election::Follow(3));
    let ahead = says(witness(3, 60 * SECOND), |said| said.received = Lsn(9));
    assert_eq!(elects(&[ahead]), Election::Won);
    assert_eq!(elects(&[Sibling { is_witness: false, ..ahead }]), Election::Lost);
}

#[test]
fn a_node_whose_daemon_does_not_run_counts_and_is_not_elected() {
    let ahead = says(standby(3), |said| (said.daemon, said.received) = (false, Lsn(9)));
    assert_eq!(elects(&[ahead, unseen(4)]), Election::Won);
}
