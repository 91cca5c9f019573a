//! Patroni, after its own acceptance features: `basic_replication`, `dcs_failsafe_mode`, `frozen_patroni`,
//! `quorum_commit`, `recovery`.
//! Behaviours that are pure decisions are cases of the rules, beside them.

mod behaviours;
mod cascade;
mod cluster;
mod flaws;
mod priority;
mod quorum;
