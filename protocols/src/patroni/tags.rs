//! What is different about one member: its tags, which others read in its member key and in what it answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is different about one member, Patroni's tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tags {
    /// Of standbys that have equally much, the one with the highest takes over; with 0 it never does.
    #[serde(skip_serializing_if = "is_one")]
    pub failover_priority: u32,
    /// It never takes over, or does although its priority is 0; unless set, the priority decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nofailover: Option<bool>,
    /// Nobody is to be led to it to read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub noloadbalance: bool,
    /// No write waits for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nosync: bool,
    /// The number of the standby that it streams from, as long as that one streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicatefrom: Option<u32>,
}

impl Default for Tags {
    fn default() -> Self {
        Tags {
            failover_priority: 1,
            nofailover: None,
            noloadbalance: false,
            nosync: false,
            replicatefrom: None,
        }
    }
}

impl Tags {
    /// Nothing is different.
    pub(super) fn is_default(&self) -> bool {
        *self == Tags::default()
    }

    /// Whether it may lead.
    pub fn may_lead(&self) -> bool {
        !self.nofailover.unwrap_or(self.failover_priority == 0)
    }

    /// What counts among those that have equally much.
    pub(super) fn priority(&self) -> u32 {
        if self.nofailover == Some(true) { 0 } else { self.failover_priority }
    }
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(failover_priority: u32, nofailover: Option<bool>) -> Tags {
        Tags { failover_priority, nofailover, ..Tags::default() }
    }

    #[test]
    fn whether_it_may_lead_is_said_outright_or_by_its_priority() {
        let may_lead =
            [(1, None), (0, None), (1, Some(true)), (0, Some(false))].map(|(priority, nofailover)| {
                let tags = tags(priority, nofailover);
                (tags.may_lead(), tags.priority())
            });
        assert_eq!(may_lead, [(true, 1), (false, 0), (false, 0), (true, 0)]);
    }

    #[test]
    fn nothing_is_said_of_a_member_like_any() {
        assert_eq!(serde_json::to_string(&Tags::default()).unwrap(), "{}");
        let text = r#"{"failover_priority":0,"nosync":true}"#;
        let tags: Tags = serde_json::from_str(text).unwrap();
        assert_eq!((serde_json::to_string(&tags).unwrap().as_str(), tags.may_lead()), (text, false));
        assert!(serde_json::from_str::<Tags>(r#"{ "nosnyc": true }"#).is_err());
    }
}
