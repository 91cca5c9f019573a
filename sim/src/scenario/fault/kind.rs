//! What a kind's file says of it, and the same without its types, so that one list can hold all.

use super::drawing::Drawing;
use super::plan::{Plan, Stage};
use super::table::{FaultError, HEAL_AFTER, ReadError};
use super::target::Target;
use crate::scenario::cast::Cast;
use crate::scenario::source::Path;
use crate::scenario::validate::{Checked, Checks};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml_edit::ser::ValueSerializer;

/// What a file says of a fault, of one kind. Its words for people are its `Display`.
pub(super) trait Said: Clone + PartialEq + Debug + Display + Send + Sync + 'static {
    /// How it stands in the file: a struct of the kind's own keys, the type itself if they all go together. What is wrong
    /// with keys that do not is the error.
    type Form: Serialize + DeserializeOwned + JsonSchema + From<Self> + TryInto<Self, Error: Into<FaultError>>;

    /// Its kind.
    fn kind() -> &'static Kind;

    /// How it ends.
    fn ends(&self) -> Ends {
        Ends::After(HEAL_AFTER)
    }

    /// The node that it is aimed at and, below the fault, the path of its name, if it is aimed at one.
    fn target(&self) -> Option<(&'static str, &Target)> {
        None
    }

    /// The groups between which it strikes and, below the fault, the path of their name, if it strikes between some.
    fn groups(&self) -> Option<(&'static str, &[Vec<Target>])> {
        None
    }

    /// The one process of that node which it befalls.
    fn process(&self) -> Option<&str> {
        None
    }

    /// Whether the rest is within bounds and names what there is; what is at fault stands at this path or below.
    fn check(&self, _: &Checks<'_>, _: &Path) -> Checked {
        Ok(())
    }

    /// What a plan makes of it.
    fn plan(&self, stage: &Stage) -> Plan;

    /// What a plan may try in its place to find out what of it matters: each a step less, of fewer machines or a milder kind.
    fn smaller(&self, _: Cast) -> Vec<Action> {
        Vec::new()
    }
}

/// How a fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// After as long as stands under this key, or in the heal phase.
    After(&'static str),
    /// By itself: why, and what to do with a key that says otherwise.
    ByItself { why: &'static str, help: &'static str },
}

impl Ends {
    /// The kind has keys that say when it is over.
    pub(super) const SAYS_ITSELF: Ends =
        Ends::ByItself { why: "this fault says itself how long it lasts", help: "remove it" };
}

/// A kind of fault.
#[derive(Debug)]
pub struct Kind {
    /// Its key in a file.
    pub key: &'static str,
    /// The keys beside it that say more.
    pub beside: &'static [&'static str],
    /// What the seed may draw of it.
    pub random: &'static [Drawn],
    read: fn(Spanned<DeTable<'_>>) -> Result<Action, ReadError>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

/// What the seed may draw of a kind, under a name of its own.
#[derive(Debug)]
pub struct Drawn {
    /// Its name in `random.kinds`.
    pub name: &'static str,
    /// What happens.
    pub about: &'static str,
    /// The smallest cluster that it can happen to.
    pub nodes_min: u32,
    /// Draws one; none where it does not come about.
    pub(in crate::scenario) draw: fn(&mut Drawing) -> Option<Action>,
}

/// What a fault does: whatever a file may say, of any kind.
#[derive(Clone)]
pub struct Action(Arc<dyn AnySaid>);

/// [`Said`] without its types.
trait AnySaid: Any + Debug + Display + Send + Sync {
    fn kind(&self) -> &'static Kind;
    fn is_same(&self, other: &dyn Any) -> bool;
    fn write(&self) -> Result<toml_edit::Value, toml_edit::ser::Error>;
    fn ends(&self) -> Ends;
    fn target(&self) -> Option<(&'static str, &Target)>;
    fn groups(&self) -> Option<(&'static str, &[Vec<Target>])>;
    fn process(&self) -> Option<&str>;
    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked;
    fn plan(&self, stage: &Stage) -> Plan;
    fn smaller(&self, cast: Cast) -> Vec<Action>;
}

impl Kind {
    /// The kind under this key, with no keys beside it and nothing to draw yet.
    pub(super) const fn new<S: Said>(key: &'static str) -> Self {
        Kind { key, beside: &[], random: &[], read: read::<S>, schema: S::Form::json_schema }
    }

    pub(super) const fn beside(mut self, keys: &'static [&'static str]) -> Self {
        self.beside = keys;
        self
    }

    pub(super) const fn drawn(mut self, random: &'static [Drawn]) -> Self {
        self.random = random;
        self
    }

    /// Reads a fault from the kind's own keys.
    pub(super) fn read(&self, own: Spanned<DeTable<'_>>) -> Result<Action, ReadError> {
        (self.read)(own)
    }

    /// The schema of the kind's own keys.
    pub(super) fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    /// The keys that the table under its key must have; none if it takes no table.
    pub(super) fn table_keys(&self) -> Option<Vec<String>> {
        let mut generator = SchemaGenerator::default();
        let schema = self.schema(&mut generator);
        let under = schema.get("properties")?.get(self.key)?;
        let name = under.get("$ref").and_then(|path| path.as_str()?.rsplit('/').next());
        let table = name.map_or(Some(under), |name| generator.definitions().get(name))?;
        let is_table = table.get("type")? == "object";
        let keys = table.get("required").and_then(|keys| keys.as_array()).into_iter().flatten();
        is_table.then(|| keys.filter_map(|key| key.as_str().map(str::to_owned)).collect())
    }
}

fn read<S: Said>(own: Spanned<DeTable<'_>>) -> Result<Action, ReadError> {
    let value = Spanned::new(own.span(), DeValue::Table(own.into_inner()));
    let form = <S::Form as serde::Deserialize>::deserialize(ValueDeserializer::from(value))?;
    let said: S = form.try_into().map_err(Into::<FaultError>::into)?;
    Ok(Action::from(said))
}

impl Action {
    /// The key that it has in the file.
    pub fn key(&self) -> &'static str {
        self.0.kind().key
    }

    /// The key under which the file says how long it lasts; none if it is over at once or says so itself.
    pub fn duration_key(&self) -> Option<&'static str> {
        match self.0.ends() {
            Ends::After(key) => Some(key),
            Ends::ByItself { .. } => None,
        }
    }

    /// The node that it is aimed at, and the key with its name, if it is aimed at one.
    pub fn target(&self) -> Option<(&'static str, &Target)> {
        self.0.target()
    }

    /// The groups between which it strikes, and the key with their names, if it strikes between some.
    pub fn groups(&self) -> Option<(&'static str, &[Vec<Target>])> {
        self.0.groups()
    }

    /// The one process of that node which it befalls, if it does not befall all.
    pub fn process(&self) -> Option<&str> {
        self.0.process()
    }

    pub(super) fn ends(&self) -> Ends {
        self.0.ends()
    }

    pub(in crate::scenario) fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        self.0.check(checks, path)
    }

    pub(super) fn plan(&self, stage: &Stage) -> Plan {
        self.0.plan(stage)
    }

    pub(super) fn smaller(&self, cast: Cast) -> Vec<Action> {
        self.0.smaller(cast)
    }

    /// Its own keys and their values, in order.
    pub(super) fn write(&self) -> Result<toml_edit::Value, toml_edit::ser::Error> {
        self.0.write()
    }
}

impl<S: Said> AnySaid for S {
    fn kind(&self) -> &'static Kind {
        S::kind()
    }

    fn is_same(&self, other: &dyn Any) -> bool {
        other.downcast_ref() == Some(self)
    }

    fn write(&self) -> Result<toml_edit::Value, toml_edit::ser::Error> {
        S::Form::from(self.clone()).serialize(ValueSerializer::new())
    }

    fn ends(&self) -> Ends {
        Said::ends(self)
    }

    fn target(&self) -> Option<(&'static str, &Target)> {
        Said::target(self)
    }

    fn groups(&self) -> Option<(&'static str, &[Vec<Target>])> {
        Said::groups(self)
    }

    fn process(&self) -> Option<&str> {
        Said::process(self)
    }

    fn check(&self, checks: &Checks<'_>, path: &Path) -> Checked {
        Said::check(self, checks, path)
    }

    fn plan(&self, stage: &Stage) -> Plan {
        Said::plan(self, stage)
    }

    fn smaller(&self, cast: Cast) -> Vec<Action> {
        Said::smaller(self, cast)
    }
}

impl<S: Said> From<S> for Action {
    fn from(said: S) -> Self {
        Action(Arc::new(said))
    }
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        let other: &dyn Any = &*other.0;
        self.0.is_same(other)
    }
}

impl Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&*self.0, f)
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&*self.0, f)
    }
}
