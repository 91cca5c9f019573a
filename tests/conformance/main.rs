//! Syn's own test cases on our implementation, under their own names, in the simulation, with both protocols.
//!
//! The public suites are `test/syn_registry_SUITE.erl` (15 cases) and `test/syn_pg_SUITE.erl` (13) at 807efaf. A test
//! here has the case's name; its stages are the case's, checked where the case checks.
//!
//! `registry.rs` has the 15 of the registry: `one_node_via_register_unregister`,
//! `one_node_via_register_unregister_with_metadata`, `one_node_strict_mode`, `one_node_repeated_restart`,
//! `three_nodes_discover`, `three_nodes_register_unregister_and_monitor`, `three_nodes_register_filter_unknown_node`,
//! `three_nodes_cluster_changes`, `three_nodes_cluster_conflicts`, `three_nodes_custom_event_handler_reg_unreg`,
//! `three_nodes_custom_event_handler_conflict_resolution`, `three_nodes_update`,
//! `three_nodes_ack_sync_ordered_delivery`, `three_nodes_ack_sync_reconciles_registry_snapshot`,
//! `four_nodes_concurrency`.
//!
//! `groups.rs` has the 13 of the groups: `one_node_strict_mode`, `two_nodes_member_count`, `three_nodes_discover`,
//! `three_nodes_join_leave_and_monitor`, `three_nodes_join_filter_unknown_node`, `three_nodes_cluster_changes`,
//! `three_nodes_custom_event_handler_joined_left`, `three_nodes_publish`, `three_nodes_multi_call`,
//! `three_nodes_group_names`, `three_nodes_member_and_update`, `three_nodes_ack_sync_reconciles_pg_snapshot`,
//! `four_nodes_concurrency`.
//!
//! What does not carry over:
//!
//! | in the original | here | why |
//! |---|---|---|
//! | `{via, syn, …}` and `syn:send` | register, look up, and a message to the process | Erlang's calling convention |
//! | several scopes in every case | in `discover`, `…_filter_unknown_node`, `cluster_conflicts` and `conflict_resolution`; elsewhere the default scope | the other cases use scopes as names only |
//! | metadata as any term, `update` with a function at the owner | text; `update` and `update_member` read here and write there | a function does not travel |
//! | callbacks of a handler module | `watch`: the same events in the same order, as a stream; `Resolved` where the resolver was asked | no code is loaded at run time |
//! | callbacks tell why (`normal`, `syn_conflict_resolution`, …) | they do not; a conflict is told by `Resolved` before it | |
//! | registry and groups of a scope crash apart | together | one scope process has both |
//! | a row is planted in a table, a message sent to a scope process from a shell | an impostor speaks the wire's language | nothing else reaches a node's tables |
//! | `conflict_resolution` with both protocols | with Syn's rules only | the converged protocol refuses a resolver |
//! | a resolver that crashes | one that comes to no decision | a panic is a bug here, not an answer |
#![allow(clippy::unwrap_used)] // helpers of tests are tests to us, if not to clippy

mod cluster;
mod groups;
mod registry;
