//! Files as they are found on a disk: what they are, what they say together, and what is wrong with them.

use super::{Broken, Brought, Fate, Format, Item};
use crate::text::plain;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A longer file is no configuration.
pub const BYTES_MAX: u64 = 1 << 20;

/// Why a file is not taken, with its place.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{place}: {message}")]
pub struct Refused {
    /// The file, and the line where there is one.
    pub place: String,
    /// Why.
    pub message: String,
    /// What would be right.
    #[help]
    pub help: Option<String>,
}

/// What these files say. Each is one of these formats, and nothing that they say together contradicts itself.
///
/// # Errors
///
/// When a file cannot be read, is none of these, is broken, or contradicts another.
pub fn bring(paths: &[impl AsRef<Path>], formats: &[Format]) -> Result<Vec<Brought>, Refused> {
    let mut files: Vec<Brought> = Vec::new();
    for path in paths {
        let path = plain(&path.as_ref().display().to_string());
        let refused = |broken: Broken| Refused::at(&path, broken);
        let text = contents(paths[files.len()].as_ref()).map_err(refused)?;
        let format = recognised(&path, &text, formats)?;
        let items = (format.read)(&text).map_err(refused)?;
        let place = files.iter().filter(|file| file.format == format.name).count();
        let (format, items) = (format.name.to_owned(), items.into_iter().map(shown).collect());
        files.push(Brought { path: path.clone(), format, place, of: 1, items, warnings: Vec::new() });
    }
    for format in formats {
        let mut of_format: Vec<&mut Brought> =
            files.iter_mut().filter(|file| file.format == format.name).collect();
        let of = of_format.len();
        of_format.iter_mut().for_each(|file| file.of = of);
        compare(format, &mut of_format)?;
    }
    Ok(files)
}

impl Refused {
    fn at(path: &str, Broken { line, message }: Broken) -> Self {
        let place = line.map_or_else(|| path.to_owned(), |line| format!("{path}:{line}"));
        Refused { place, message: plain(&message), help: None }
    }
}

/// The text of a file.
fn contents(path: &Path) -> Result<String, Broken> {
    if path.is_dir() {
        return Err(Broken::all("it is a folder: give the file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error: io::Error| Broken::all(error.to_string()))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Broken::all(format!("it is longer than {} KiB: no configuration is", BYTES_MAX >> 10)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        Broken::at(line, "it is no text: this is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned);
    if let Some(at) = text.find('\0') {
        let line = 1 + text[..at].matches('\n').count();
        return Err(Broken::at(line, "it is no text: there is a byte of 0"));
    }
    if text.trim().is_empty() {
        return Err(Broken::all("it is empty"));
    }
    Ok(text)
}

/// The format of a text: the one that it shows, or else the one that the file is called after.
fn recognised<'f>(path: &str, text: &str, formats: &'f [Format]) -> Result<&'f Format, Refused> {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    let called = |format: &&Format| name.contains(format.name);
    let shown: Vec<&Format> = formats.iter().filter(|format| (format.is_one)(text)).collect();
    let named = formats.iter().find(called);
    let found = match &*shown {
        [one] => Some(*one),
        // Of several, the one that it is called after.
        several => several.iter().copied().find(|format| called(format)).or(named),
    };
    found.ok_or_else(|| {
        let known: Vec<String> =
            formats.iter().map(|format| format!("{} ({})", format.name, format.means)).collect();
        Refused {
            place: path.to_owned(),
            message: "it is of no kind that is read".to_owned(),
            help: Some(match &*known {
                [] => "this program reads none".to_owned(),
                known => format!("there is {}", known.join(", ")),
            }),
        }
    })
}

/// An item as a terminal may show it.
fn shown(item: Item) -> Item {
    let fate = match item.fate {
        Fate::Left(why) => Fate::Left(plain(&why)),
        fate => fate,
    };
    Item { key: plain(&item.key), value: item.value.map(|value| plain(&value)), fate, ..item }
}

/// What files of one format say together.
fn compare(format: &Format, files: &mut [&mut Brought]) -> Result<(), Refused> {
    let mut said: BTreeMap<&str, (&str, String)> = BTreeMap::new();
    for file in &*files {
        for item in &file.items {
            let Fate::Sets(option, to) = &item.fate else { continue };
            let place = |line: Option<usize>| match line {
                Some(line) => format!("{}:{line}", file.path),
                None => format!("{}, which does not say it", file.path),
            };
            match said.get(&**option) {
                Some((before, at)) if *before != to => {
                    let (key, value) = (&item.key, item.value.as_deref().unwrap_or_default());
                    return Err(Refused {
                        place: item
                            .line
                            .map_or_else(|| file.path.clone(), |line| format!("{}:{line}", file.path)),
                        message: format!("{key} is {value} here, and not what {at} has"),
                        help: Some(
                            "it is one number for all machines here: leave one of them out".to_owned(),
                        ),
                    });
                }
                Some(_) => {}
                None => drop(said.insert(option, (to, place(item.line)))),
            }
        }
    }
    let items: Vec<Vec<Item>> = files.iter().map(|file| file.items.clone()).collect();
    for clash in (format.clashes)(&items) {
        let place = |(file, line): (usize, usize)| format!("{}:{line}", files[file].path);
        let message = plain(&format!("{}, as in {}", clash.message, place(clash.before)));
        if clash.is_fatal {
            return Err(Refused { place: place(clash.again), message, help: None });
        }
        let warning = format!("{}: {message}", place(clash.again));
        files[clash.again.0].warnings.push(warning);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::FORMAT;
    use super::*;
    use std::path::PathBuf;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Folder(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }

        /// Why these files are refused, without the folder's name.
        fn refused(&self, paths: &[PathBuf]) -> String {
            let refused = bring(paths, &[FORMAT]).unwrap_err();
            refused.to_string().replace(&format!("{}/", self.0.path().display()), "")
        }
    }

    #[test]
    fn what_is_no_configuration_is_refused_with_its_place() {
        let folder = Folder::new();
        let long = vec![b'#'; BYTES_MAX as usize + 1];
        for (name, bytes, why) in [
            ("a", &b"{\"a\": 1}"[..], "a: it is of no kind that is read"),
            ("b", b" \n\n", "b: it is empty"),
            ("c", b"colour=red\ncolour=\xff", "c:2: it is no text: this is not UTF-8"),
            ("d", b"colour=\0", "d:1: it is no text: there is a byte of 0"),
            ("e", &long, "e: it is longer than 1024 KiB: no configuration is"),
            ("f", b"colour=red\n\x1b[2J", "f:2: no ="),
        ] {
            let path = folder.file(name, bytes);
            assert_eq!(folder.refused(&[path]), why);
        }
        let folder_itself = folder.0.path().to_owned();
        assert!(folder.refused(&[folder_itself]).ends_with("it is a folder: give the file"));
        let missing = folder.refused(&[folder.0.path().join("none")]);
        assert!(missing.starts_with("none: ") && missing.contains("os error 2"), "{missing}");
    }

    #[test]
    fn a_file_is_what_it_shows_and_else_what_it_is_called() {
        let folder = Folder::new();
        let by_contents = bring(&[folder.file("x", b"colour=red")], &[FORMAT]).unwrap();
        assert_eq!((&*by_contents[0].format, by_contents[0].of), ("balls.conf", 1));
        let by_name = folder.refused(&[folder.file("n1-balls.conf", b"<html>")]);
        assert_eq!(by_name, "n1-balls.conf:1: no =");
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        let folder = Folder::new();
        let brought = bring(&[folder.file("x", b"colour=\x1b[31m\n\x1b]0;=")], &[FORMAT]).unwrap();
        let items = &brought[0].items;
        assert_eq!(items[0].value.as_deref(), Some("\\u{1b}[31m"));
        assert_eq!(items[1].key, "\\u{1b}]0;");
    }

    #[test]
    fn machines_that_differ_in_what_all_share_are_refused_with_both_places() {
        let folder = Folder::new();
        let files = [folder.file("a", b"colour=red"), folder.file("b", b"colour=red\ncolour=blue")];
        let refused = folder.refused(&files);
        assert_eq!(refused, "b:2: colour is blue here, and not what a:1 has");
        let alike = bring(&[&files[0], &files[0]], &[FORMAT]).unwrap();
        assert_eq!([&alike[0], &alike[1]].map(|file| (file.place, file.of)), [(0, 2), (1, 2)]);
    }

    #[test]
    fn what_should_not_be_is_told_with_both_places() {
        let folder = Folder::new();
        let files = [folder.file("a", b"colour=red\nweight=1"), folder.file("b", b"colour=red\n\nweight=1")];
        assert!(folder.refused(&files).starts_with("b:2: no ="));
        let files = [folder.file("a", b"colour=red\nweight=1"), folder.file("b", b"colour=red\nweight=1")];
        let brought = bring(&files, &[FORMAT]).unwrap();
        assert!(brought[0].warnings.is_empty());
        assert!(brought[1].warnings[0].contains("b:2: two are weighed, as in "), "{brought:?}");
    }
}
