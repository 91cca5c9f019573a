//! Patroni, after its own acceptance features: `basic_replication`, `cascading_replication`, `dcs_failsafe_mode`,
//! `frozen_patroni`, `priority_failover`, `quorum_commit`, `recovery`, `standby_cluster`.
//! Behaviours that are pure decisions are cases of the rules, beside them.

mod behaviours;
mod cascade;
mod cluster;
mod flaws;
mod priority;
mod quorum;
mod standby_cluster;
