//! Syn's own test cases on our implementation, under their own names, in the simulation, with both protocols.
//!
//! The public suites are `test/syn_registry_SUITE.erl` (15 cases) and `test/syn_pg_SUITE.erl` (13) at 807efaf. A test
//! here has the case's name; its stages are the case's, checked where the case checks. What does not carry over:
//!
//! | in the original | here |
//! |---|---|
//! | `{via, syn, …}` and `syn:send` | Erlang's calling convention: register, look up, and a message to the process |
//! | several scopes (`scope_ab`, `scope_bc`), `invalid_scope` | one scope: assertions on the others are left out |
//! | metadata as any term, `update` with a function at the owner | text; `update` reads here and writes there |
//! | callbacks of a handler module | `watch`: the same events in the same order, as a stream |
//! | `three_nodes_custom_event_handler_conflict_resolution` | left out: no custom resolvers |
//! | `three_nodes_register_filter_unknown_node`, `three_nodes_join_filter_unknown_node` | a message is forged there; `state/tests.rs`, `an_entry_of_a_known_peer_is_inserted_and_one_of_an_unknown_peer_ignored`; a forged membership cannot be sent: `bad_input.rs` |
//! | `three_nodes_ack_sync_reconciles_…_snapshot` | a row is planted there; `state/tests.rs`, `a_snapshot_drops_what_its_owner_no_longer_has`; groups drop a peer's rows with its connection |
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

mod cluster;
mod groups;
mod registry;
