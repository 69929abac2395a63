//! A catalog as files that a person can read and review: a folder for each kind, a JSON file for each thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use planwright_domain::catalog::catalog_change::CatalogKind;
use planwright_domain::catalog::catalog_document::CatalogDocument;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Failure;
use super::remote::Declined;
use crate::http::read_json;

/// A catalog that was read, and from where.
pub(super) struct CatalogFiles {
    pub(super) document: CatalogDocument,
    folder: PathBuf,
    /// The file of each place in the document, such as `plans[3]`.
    files: BTreeMap<String, PathBuf>,
}

/// What is read on the way.
struct Reading<'a> {
    folder: &'a Path,
    files: BTreeMap<String, PathBuf>,
    mistakes: Vec<String>,
}

impl CatalogFiles {
    /// Reads all of it, or says everything that is wrong by its file.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        must_be_a_catalog(folder)?;
        let (files, mistakes) = (BTreeMap::new(), Vec::new());
        let mut reading = Reading { folder, files, mistakes };
        let document = CatalogDocument {
            regions: reading.list(CatalogKind::Region)?,
            products: reading.list(CatalogKind::Product)?,
            billing_plans: reading.list(CatalogKind::BillingPlan)?,
            user_groups: reading.list(CatalogKind::UserGroup)?,
            plans: reading.list(CatalogKind::Plan)?,
        };
        match reading.mistakes.len() {
            0 => Ok(Self { document, folder: folder.to_owned(), files: reading.files }),
            _ => Err(reading.mistakes.join("\n").into()),
        }
    }

    /// What is refused, by its file; what no file has, by the folder of its kind.
    pub(super) fn explained(&self, declined: &Declined) -> String {
        if declined.errors.is_empty() {
            return declined.sentence.clone();
        }
        let line = |field: &str, message: &str| {
            let end = field.find(']').map_or(0, |end| end + 1);
            let (place, within) = field.split_at(end);
            match (self.files.get(place), within.trim_start_matches('.')) {
                (Some(file), "") => format!("{}: {message}", file.display()),
                (Some(file), within) => format!("{}: {within}: {message}", file.display()),
                (None, _) => {
                    let of = CatalogKind::ALL.map(CatalogKind::list);
                    let list = of.into_iter().find(|list| field.starts_with(list));
                    let folder = self.folder.join(list.unwrap_or_default());
                    format!("{}: {message}", folder.display())
                }
            }
        };
        let lines = declined.errors.iter().map(|error| line(&error.field, &error.message));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A folder that is misspelt must not be taken for a catalog that has nothing of the kind.
fn must_be_a_catalog(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    let lists = CatalogKind::ALL.map(CatalogKind::list);
    let there_are = format!("a catalog has the folders {}", lists.join(", "));
    let mut is_one = false;
    for entry in fs::read_dir(folder).map_err(|error| format!("cannot read {shown}: {error}"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            if !lists.contains(&name.as_str()) {
                return Err(
                    format!("{} is none of a catalog's: {there_are}", path.display()).into()
                );
            }
            is_one = true;
        } else if is_json(&path) {
            let reason = format!("{} belongs into one of the folders: {there_are}", path.display());
            return Err(reason.into());
        }
    }
    if is_one { Ok(()) } else { Err(format!("there is no catalog in {shown}: {there_are}").into()) }
}

impl Reading<'_> {
    /// The things of a kind, in the order of their files' names.
    fn list<T: DeserializeOwned>(&mut self, kind: CatalogKind) -> Result<Vec<T>, Failure> {
        let mut things = Vec::new();
        for file in json_files(&self.folder.join(kind.list()))? {
            let bytes = fs::read(&file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            match read_json("The file", &bytes) {
                Ok(thing) => {
                    self.files.insert(format!("{}[{}]", kind.list(), things.len()), file);
                    things.push(thing);
                }
                Err(refusal) => self.mistakes.push(format!("{}: {refusal}", file.display())),
            }
        }
        Ok(things)
    }
}

/// Writes a catalog into a folder. With `force`, over one that is there: files of things that are gone go, too.
pub(super) fn write(folder: &Path, document: &CatalogDocument, force: bool) -> Result<(), Failure> {
    let folders = CatalogKind::ALL.map(|kind| folder.join(kind.list()));
    let mut is_there = false;
    for of_kind in &folders {
        is_there |= !json_files(of_kind)?.is_empty();
        if is_there && !force {
            let shown = of_kind.display();
            return Err(format!("{shown} has files already. --force writes over them").into());
        }
    }
    if is_there {
        // What is no thing of a catalog is somebody's, and would be gone.
        CatalogFiles::read(folder).map_err(|failure| {
            format!("{failure}\n--force writes over a catalog alone. Mend these files, or move them away")
        })?;
    }
    let texts = [
        texts(&document.regions, |one| &one.name)?,
        texts(&document.products, |one| &one.external_id)?,
        texts(&document.billing_plans, |one| &one.name)?,
        texts(&document.user_groups, |one| &one.name)?,
        texts(&document.plans, |one| one.id.as_str())?,
    ];
    for (folder, texts) in folders.iter().zip(texts) {
        write_list(folder, &texts)
            .map_err(|error| format!("cannot write {}: {error}", folder.display()))?;
    }
    Ok(())
}

/// What stands in the file of each thing, by the file's name.
fn texts<T: Serialize>(
    things: &[T],
    name: impl Fn(&T) -> &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let names: Vec<&str> = things.iter().map(name).collect();
    let text = |(one, file): (&T, String)| Ok((file, serde_json::to_string_pretty(one)? + "\n"));
    things.iter().zip(file_names(&names)).map(text).collect()
}

fn write_list(folder: &Path, texts: &BTreeMap<String, String>) -> io::Result<()> {
    if !texts.is_empty() {
        fs::create_dir_all(folder)?;
    }
    let stays: BTreeSet<PathBuf> = texts.keys().map(|name| folder.join(name)).collect();
    for gone in json_files(folder)?.iter().filter(|file| !stays.contains(*file)) {
        fs::remove_file(gone)?;
    }
    for (name, text) in texts {
        let file = folder.join(name);
        // A file that is as it should be keeps its time.
        if fs::read(&file).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(&file, text)?;
        }
    }
    Ok(())
}

/// The JSON files of a folder, by name; none where there is no such folder.
fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let of_folder = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot read {}: {error}", folder.display()))
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(of_folder)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(of_folder)?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if is_json(&entry.path()) && !is_hidden {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// The names of things' files: what of a thing's own name can be one anywhere, and where that is nothing or another's,
/// too, a mark behind it. They depend on nothing but the things' names.
fn file_names(names: &[&str]) -> Vec<String> {
    let kept: Vec<String> = names.iter().map(|name| kept_of(name)).collect();
    let mut times = BTreeMap::<&str, usize>::new();
    for one in &kept {
        *times.entry(one).or_default() += 1;
    }
    let named = names.iter().zip(&kept).map(|(name, kept)| match times[kept.as_str()] {
        1 if !kept.is_empty() => format!("{kept}.json"),
        _ => {
            let mark: String = hex::encode(Sha256::digest(name)).chars().take(8).collect();
            let dash = if kept.is_empty() { "" } else { "-" };
            format!("{kept}{dash}{mark}.json")
        }
    });
    named.collect()
}

/// The small letters, digits, `_` and `.` of a name, and a `-` for whatever else is between them.
fn kept_of(name: &str) -> String {
    const LONGEST: usize = 60;
    let small = name.to_lowercase();
    let stays = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '.';
    let words = small.split(|one| !stays(one)).filter(|word| !word.is_empty());
    let kept: String = words.collect::<Vec<_>>().join("-").chars().take(LONGEST).collect();
    // A file that begins with a point is hidden, and is read by nobody.
    kept.trim_matches(['.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_the_thing_as_far_as_files_can_be() {
        let long = "x".repeat(100);
        let names = ["eu", "vm.small_2-x", "Cloud 2025", "../etc/Passwd", "Юг", &long];
        let files = file_names(&names);
        let expected = ["eu.json", "vm.small_2-x.json", "cloud-2025.json", "etc-passwd.json"]
            .map(str::to_owned);
        assert_eq!(files[..4], expected);
        assert_eq!((files[4].len(), files[5].len()), (13, 65), "{files:?}");
    }

    #[test]
    fn two_that_would_have_one_file_have_two_whatever_their_order() {
        let files = file_names(&["Cloud", "cloud", "edge"]);
        assert_eq!(files[2], "edge.json");
        assert!(files[..2].iter().all(|file| file.starts_with("cloud-") && file.len() == 19));
        assert_ne!(files[0], files[1]);
        let turned = file_names(&["edge", "cloud", "Cloud"]);
        assert_eq!((&turned[2], &turned[1]), (&files[0], &files[1]));
    }
}
