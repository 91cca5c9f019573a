//! Orders: what an operator does at an instant, beside what clients draw or are told.
//!
//! ```toml
//! [[order]]
//! at = "100s"
//! name = "specify"         # an operation of the system, as histories call it
//! argument = { stolon = { synchronous = false } }
//! ```
//!
//! The operator is one more client, on a machine of its own: the one after the last. Where operations are listed, orders
//! are among them, done by this client; so whatever a plan's operations go through, orders do.

use super::cast::Name;
use super::model::Scenario;
use super::operation::{ListedOperation, read, written};
use super::source::Path;
use super::units::Time;
use super::validate::{Checked, Checks};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One operation that the operator does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Form", into = "Form")]
#[schemars(with = "Form")]
pub struct Order {
    /// When it is due, counted from the start of the workload. It begins later if the last one has not ended.
    pub at: Time,
    /// What is done, as histories call it.
    pub name: String,
    /// What it is about; null for nothing.
    pub argument: Value,
}

/// An operation that an operator does, beside the clients.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Order")]
#[serde(deny_unknown_fields)]
struct Form {
    /// When it is due, counted from the start of the workload. It begins later if the last one has not ended.
    at: Time,
    /// What is done, as histories call it.
    name: String,
    /// What it is about, if it is about anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argument: Option<Value>,
    /// The same as JSON, in a text: for what TOML cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<String>,
}

impl TryFrom<Form> for Order {
    type Error = String;

    fn try_from(Form { at, name, argument, json }: Form) -> Result<Self, String> {
        Ok(Order { at, name, argument: read(argument, json)? })
    }
}

impl From<Order> for Form {
    fn from(Order { at, name, argument }: Order) -> Self {
        let (argument, json) = written(argument);
        Form { at, name, argument, json }
    }
}

impl Scenario {
    /// How many clients there are, the operator included.
    pub(crate) fn clients(&self) -> u32 {
        self.workload.clients + u32::from(!self.orders.is_empty())
    }

    /// What one client, from 1, is told to do, if operations are listed or it is the operator: in the order of times.
    pub(crate) fn listed(&self, client: u32) -> Vec<ListedOperation> {
        let client = Name::Client(client);
        if client == Name::Client(self.workload.clients + 1) {
            let order = |Order { at, name, argument }: &Order| ListedOperation {
                at: *at,
                client,
                name: name.clone(),
                argument: argument.clone(),
            };
            return self.orders.iter().map(order).collect();
        }
        self.operations.iter().filter(|operation| operation.client == client).cloned().collect()
    }
}

impl Checks<'_> {
    pub(super) fn orders(&self) -> Checked {
        for (index, Order { at, name, argument }) in self.scenario.orders.iter().enumerate() {
            self.operation(&Path::of("order").then(index), *at, name, argument)?;
        }
        Ok(())
    }
}
