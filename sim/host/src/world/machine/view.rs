//! The views that nodes registered, to be read without their types.

use crate::world::{MachineId, with};
use std::any::{Any, TypeId};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Reads a node's view.
trait ReadView {
    fn is(&self, type_id: TypeId) -> bool;
    fn any(&self) -> Box<dyn Any>;
    fn json(&self) -> serde_json::Value;
    fn type_name(&self) -> &'static str;
}

impl<V: serde::Serialize + 'static> ReadView for Box<dyn Fn() -> V + Send + Sync> {
    fn is(&self, type_id: TypeId) -> bool {
        type_id == TypeId::of::<V>()
    }

    fn any(&self) -> Box<dyn Any> {
        Box::new(self())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self()).unwrap_or_else(|error| error.to_string().into())
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<V>()
    }
}

/// The view of a node, unread. It may hold the last of what its node was, with destructors of its own: it is dropped
/// outside of the world.
#[derive(Clone)]
pub(in crate::world) struct View(Rc<dyn ReadView>);

/// See [`crate::view::register`].
pub(crate) fn register<V: serde::Serialize + 'static>(read: Box<dyn Fn() -> V + Send + Sync>) {
    let view = View(Rc::new(read));
    let before = with(|world| {
        let host = world.current_host().expect("views belong to nodes");
        world.ground.machines.replace_view(host, view)
    });
    drop(before);
}

/// What the node on this machine believes, if it is up and has registered a view of this type.
pub fn view<V: 'static>(host: MachineId) -> Option<V> {
    let view = with(|world| world.ground.machines.view(host))?;
    // A machine of another kind need not copy out what nobody wants to know.
    view.0.is(TypeId::of::<V>()).then(|| view.0.any().downcast().ok().map(|view| *view))?
}

/// What the node on this machine believes, as JSON.
pub fn view_json(host: MachineId) -> Option<serde_json::Value> {
    let view = with(|world| world.ground.machines.view(host))?;
    Some(view.0.json())
}

/// The types of the views that are registered.
pub fn view_types() -> BTreeSet<&'static str> {
    let views = with(|world| {
        let machines = MachineId::first(world.machines());
        machines.filter_map(|host| world.ground.machines.view(host)).collect::<Vec<_>>()
    });
    views.iter().map(|view| view.0.type_name()).collect()
}
