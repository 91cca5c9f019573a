//! What may be read after a power loss, without any idea of pages, inodes or journals.
//!
//! The oracle keeps every state that each file has had since its last sync, and every state that the names have had
//! since the last sync of the directory. After a power loss the names must be one of those (all changes are in one
//! directory, in order); and of each file the length must be one of those it has had, and every sector must be what it
//! was, or would have been had the file been as long, in one of its states.

use super::SECTOR;
use std::collections::BTreeMap;

/// A file's number, which stays when it is renamed.
pub type FileId = usize;

/// Names, and the files that they stand for.
pub type Names = BTreeMap<String, FileId>;

#[derive(Clone)]
pub struct Oracle {
    /// Since the last sync of the directory; the last is what readers see.
    names: Vec<Names>,
    /// By number: since the last sync of the file; the last is what readers see.
    files: Vec<Vec<Vec<u8>>>,
}

impl Oracle {
    pub fn new() -> Self {
        Oracle { names: vec![Names::new()], files: Vec::new() }
    }

    pub fn names(&self) -> &Names {
        self.names.last().expect("there is always a state")
    }

    pub fn bytes(&self, file: FileId) -> &[u8] {
        self.files[file].last().expect("there is always a state")
    }

    pub fn create(&mut self, name: &str) -> FileId {
        self.files.push(vec![Vec::new()]);
        let file = self.files.len() - 1;
        self.change_names(|names| _ = names.insert(name.to_owned(), file));
        file
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        if from != to {
            self.change_names(|names| {
                let file = names.remove(from).expect("it exists");
                names.insert(to.to_owned(), file);
            });
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.change_names(|names| _ = names.remove(name));
    }

    pub fn write(&mut self, file: FileId, at: usize, bytes: &[u8]) {
        self.change_bytes(file, |content| {
            if content.len() < at + bytes.len() {
                content.resize(at + bytes.len(), 0);
            }
            content[at..at + bytes.len()].copy_from_slice(bytes);
        });
    }

    pub fn set_len(&mut self, file: FileId, len: usize) {
        self.change_bytes(file, |content| content.resize(len, 0));
    }

    /// How many states a file has had; what a sync that is asked for now will leave behind.
    pub fn mark(&self, file: FileId) -> usize {
        self.files[file].len()
    }

    pub fn sync(&mut self, file: FileId, mark: usize) {
        self.files[file].drain(..mark - 1);
    }

    pub fn sync_names(&mut self) {
        self.names.drain(..self.names.len() - 1);
    }

    /// Takes what a power loss left for the truth, or tells what is wrong with it.
    pub fn power_loss(&mut self, left: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
        let mut why = "the names were never these".to_owned();
        let possible = |names: &&Names| {
            if !names.keys().eq(left.keys()) {
                return false;
            }
            let wrong = names.iter().find_map(|(name, file)| {
                explain(&self.files[*file], &left[name]).err().map(|error| format!("{name}: {error}"))
            });
            wrong.inspect(|error| why.clone_from(error)).is_none()
        };
        let Some(names) = self.names.iter().rev().find(possible).cloned() else { return Err(why) };
        for (name, file) in &names {
            self.files[*file] = vec![left[name].clone()];
        }
        self.names = vec![names];
        Ok(())
    }

    fn change_names(&mut self, change: impl FnOnce(&mut Names)) {
        let mut names = self.names().clone();
        change(&mut names);
        self.names.push(names);
    }

    fn change_bytes(&mut self, file: FileId, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.bytes(file).to_vec();
        change(&mut bytes);
        self.files[file].push(bytes);
    }
}

/// Whether these bytes may be left of a file that has had these states.
fn explain(states: &[Vec<u8>], left: &[u8]) -> Result<(), String> {
    if !states.iter().any(|state| state.len() == left.len()) {
        return Err(format!("it never had {} bytes", left.len()));
    }
    for (number, sector) in left.chunks(SECTOR).enumerate() {
        let place = number * SECTOR;
        let was = |state: &Vec<u8>| {
            (0..sector.len()).all(|i| sector[i] == state.get(place + i).copied().unwrap_or(0))
        };
        if !states.iter().any(was) {
            return Err(format!("sector {number} was never like that in {} states", states.len()));
        }
    }
    Ok(())
}

#[test]
fn the_oracle_rejects_what_no_power_loss_can_leave() {
    let mut oracle = Oracle::new();
    let file = oracle.create("file");
    oracle.write(file, 0, &[1; 600]);
    oracle.sync(file, oracle.mark(file));
    oracle.sync_names();
    oracle.write(file, 0, &[2; 600]);
    oracle.rename("file", "renamed");
    let left =
        |name: &str, bytes: Vec<u8>| oracle.clone().power_loss(&BTreeMap::from([(name.to_owned(), bytes)]));
    assert!(left("file", vec![1; 600]).is_ok());
    assert!(left("renamed", [vec![1; 512], vec![2; 88]].concat()).is_ok());
    assert!(left("other", vec![1; 600]).unwrap_err().contains("names"));
    assert!(left("file", vec![1; 500]).unwrap_err().contains("never had 500 bytes"));
    assert!(left("file", [vec![1; 100], vec![2; 500]].concat()).unwrap_err().contains("sector 0"));
    assert!(oracle.clone().power_loss(&BTreeMap::new()).is_err(), "its name is durable");
}
