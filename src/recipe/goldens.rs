use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::value::Datetime;

use super::Error;
use super::golden::{Date, Golden, Listed, Shows};
use crate::files;

const MAX_BYTES: u64 = 1 << 20;
const FORMAT: u32 = 1;
/// The folder of listed images, below that of the recipe.
const FOLDER: &str = "goldens";
/// The most goldens of one product: each good one is registered with every part.
const MOST: usize = 64;

/// The list of goldens beside a recipe: `recipe.goldens.toml` beside `recipe.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldenList {
    path: PathBuf,
    folder: PathBuf,
    goldens: Vec<Golden>,
}

/// What is said of a golden that is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGolden {
    /// What it shows.
    pub shows: Shows,
    /// The day on which it was taken.
    pub taken: Date,
    /// The first day on which it is not used any more.
    pub expires: Option<Date>,
}

/// Exactly the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    format: u32,
    #[serde(default)]
    golden: Vec<RawGolden>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGolden {
    file: String,
    label: Shows,
    sha256: String,
    taken: Datetime,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Datetime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<Datetime>,
}

impl GoldenList {
    /// Where the list of a recipe lies.
    pub fn place(recipe: &Path) -> PathBuf {
        recipe.with_extension("goldens.toml")
    }

    /// Reads the list beside a recipe; one that is not there is empty.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Toml`] and [`Error::Invalid`].
    pub fn beside(recipe: &Path) -> Result<Self, Error> {
        let path = Self::place(recipe);
        if !path.exists() {
            let folder = recipe.parent().unwrap_or(Path::new("")).to_owned();
            return Ok(Self { path, folder, goldens: Vec::new() });
        }
        Self::parse(&files::read_text(&path, MAX_BYTES)?, &path)
    }

    /// Reads a list from text; `path` names it and is what its files lie beside.
    ///
    /// # Errors
    /// [`Error::Toml`] and [`Error::Invalid`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let raw: RawList = toml::from_str(text).map_err(|error| Error::Toml {
            path: path.display().to_string(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        let invalid = |reason| invalid(path, reason);
        if raw.format != FORMAT {
            return Err(invalid(format!("format {}, this version reads {FORMAT}", raw.format)));
        }
        if raw.golden.len() > MOST {
            let found = raw.golden.len();
            return Err(invalid(format!("{found} goldens, at most {MOST} are kept")));
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut list = Self { path: path.to_owned(), folder, goldens: Vec::new() };
        for raw in raw.golden {
            let golden = raw.checked(&list.folder, &invalid)?;
            if list.goldens.iter().any(|known| known.file == golden.file) {
                return Err(invalid(format!("{:?} is listed twice", golden.file)));
            }
            list.goldens.push(golden);
        }
        Ok(list)
    }

    /// The goldens in the order in which they were added.
    pub fn goldens(&self) -> &[Golden] {
        &self.goldens
    }

    /// The file of the list.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies an image below the recipe's folder and lists it.
    ///
    /// The image's bytes are `content`, its extension `extension`; that it can be decoded is the
    /// caller's concern. The list is written after the image, so that no list names what is not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the same image is listed already, there are too many, or it expires
    /// before it was taken; [`Error::File`].
    pub fn add(
        &mut self,
        (content, extension): (&[u8], &str),
        new: NewGolden,
    ) -> Result<&Golden, Error> {
        let sha256 = files::sha256(content);
        self.check_new(&sha256, &new)?;
        let file = format!("{FOLDER}/{}.{extension}", sha256.get(..16).unwrap_or(&sha256));
        let path = files::join_below(&self.folder, &file)?;
        files::write(&path, content)?;
        let NewGolden { shows, taken, expires } = new;
        let listed = Some(Listed { sha256, taken, expires, withdrawn: None });
        self.goldens.push(Golden { file, path, shows, listed });
        self.save()?;
        Ok(&self.goldens[self.goldens.len() - 1])
    }

    /// Takes a golden out of force from `day` on; its image stays.
    ///
    /// `name` is its file, with or without the folder and the extension, or the start of that.
    ///
    /// # Errors
    /// [`Error::Invalid`] when none or several are named so, or it is out of force already.
    pub fn withdraw(&mut self, name: &str, day: Date) -> Result<&Golden, Error> {
        let place = self.find(name)?;
        let path = self.path.clone();
        if let Some(listed) = &mut self.goldens[place].listed {
            if let Some(since) = listed.withdrawn {
                return Err(invalid(&path, format!("{name:?} is out of force since {since}")));
            }
            listed.withdrawn = Some(day);
        }
        self.save()?;
        Ok(&self.goldens[place])
    }

    fn find(&self, name: &str) -> Result<usize, Error> {
        let wanted = name.strip_prefix(FOLDER).map_or(name, |rest| rest.trim_start_matches('/'));
        let own = |golden: &Golden| golden.file.trim_start_matches(FOLDER)[1..].to_owned();
        let all = self.goldens.iter().enumerate();
        let found: Vec<usize> = all
            .filter(|(_, golden)| !wanted.is_empty() && own(golden).starts_with(wanted))
            .map(|(place, _)| place)
            .collect();
        match found.as_slice() {
            [place] => Ok(*place),
            [] => {
                let known: Vec<&str> = self.goldens.iter().map(|it| it.file.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(invalid(&self.path, format!("no golden {name:?}; listed are {known}")))
            }
            several => {
                let count = several.len();
                Err(invalid(&self.path, format!("{count} goldens begin with {name:?}; say more")))
            }
        }
    }

    fn check_new(&self, sha256: &str, new: &NewGolden) -> Result<(), Error> {
        let is_same =
            |golden: &&Golden| golden.listed.as_ref().is_some_and(|listed| listed.sha256 == sha256);
        if let Some(known) = self.goldens.iter().find(is_same) {
            let file = &known.file;
            return Err(invalid(&self.path, format!("this image is listed already, as {file:?}")));
        }
        if self.goldens.len() >= MOST {
            return Err(invalid(&self.path, format!("has {MOST} goldens, as many as are kept")));
        }
        check_dates(new.taken, new.expires).map_err(|reason| invalid(&self.path, reason))
    }

    fn save(&self) -> Result<(), Error> {
        let golden = self.goldens.iter().filter_map(RawGolden::of).collect();
        let text = toml::to_string(&RawList { format: FORMAT, golden }).map_err(|error| {
            Error::Toml { path: self.path.display().to_string(), reason: error.to_string() }
        })?;
        Ok(files::write(&self.path, text.as_bytes())?)
    }
}

impl RawGolden {
    fn of(golden: &Golden) -> Option<Self> {
        let listed = golden.listed.as_ref()?;
        Some(Self {
            file: golden.file.clone(),
            label: golden.shows.clone(),
            sha256: listed.sha256.clone(),
            taken: written(listed.taken),
            expires: listed.expires.map(written),
            withdrawn: listed.withdrawn.map(written),
        })
    }

    fn checked(self, folder: &Path, invalid: &impl Fn(String) -> Error) -> Result<Golden, Error> {
        let file = self.file;
        let of = |reason: String| invalid(format!("{file:?}: {reason}"));
        if !file.starts_with(&format!("{FOLDER}/")) || file.len() <= FOLDER.len() + 1 {
            return Err(of(format!("expected a file in {FOLDER}/")));
        }
        let is_sum = self.sha256.len() == 64
            && self.sha256.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        if !is_sum {
            return Err(of("sha256: expected 64 hexadecimal digits in lower case".to_owned()));
        }
        let date =
            |key: &str, value: Datetime| read(value).map_err(|it| of(format!("{key}: {it}")));
        let optional =
            |key: &str, value: Option<Datetime>| value.map(|value| date(key, value)).transpose();
        let listed = Listed {
            taken: date("taken", self.taken)?,
            expires: optional("expires", self.expires)?,
            withdrawn: optional("withdrawn", self.withdrawn)?,
            sha256: self.sha256,
        };
        check_dates(listed.taken, listed.expires).map_err(of)?;
        let path = files::join_below(folder, &file).map_err(|error| of(error.to_string()))?;
        Ok(Golden { path, shows: self.label, listed: Some(listed), file })
    }
}

fn check_dates(taken: Date, expires: Option<Date>) -> Result<(), String> {
    match expires.filter(|expires| *expires <= taken) {
        Some(expires) => {
            Err(format!("expires {expires}, which is not after {taken}, when it was taken"))
        }
        None => Ok(()),
    }
}

/// A date as TOML has it.
fn written(date: Date) -> Datetime {
    let date = toml::value::Date {
        year: date.year().unsigned_abs(),
        month: date.month().unsigned_abs(),
        day: date.day().unsigned_abs(),
    };
    Datetime { date: Some(date), time: None, offset: None }
}

fn read(value: Datetime) -> Result<Date, String> {
    let expected = || format!("{value}: expected a date such as 2026-05-01");
    match (value.date, value.time) {
        (Some(date), None) => {
            let [month, day] = [date.month, date.day].map(|it| i8::try_from(it).unwrap_or(0));
            let year = i16::try_from(date.year).map_err(|_| expected())?;
            Date::new(year, month, day).map_err(|_| expected())
        }
        _ => Err(expected()),
    }
}

fn invalid(path: &Path, reason: String) -> Error {
    Error::Invalid { path: path.display().to_string(), section: "golden", reason }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recipe::GoldenState;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn new(shows: Shows) -> NewGolden {
        NewGolden { shows, taken: day("2026-05-01"), expires: Some(day("2026-06-01")) }
    }

    fn with_two() -> (tempfile::TempDir, GoldenList) {
        let folder = tempfile::tempdir().unwrap();
        let mut list = GoldenList::beside(&folder.path().join("recipe.toml")).unwrap();
        assert_eq!(list.goldens(), []);
        list.add((b"one", "png"), new(Shows::Good)).unwrap();
        list.add((b"two", "jpg"), new(Shows::Faults(vec!["scratch".to_owned()]))).unwrap();
        (folder, list)
    }

    #[test]
    fn a_list_comes_back_as_it_was_written_and_its_images_lie_beside_it() {
        let (folder, list) = with_two();
        let recipe = folder.path().join("recipe.toml");
        assert_eq!(GoldenList::beside(&recipe).unwrap(), list);
        let text = std::fs::read_to_string(list.path()).unwrap();
        assert!(text.contains("taken = 2026-05-01\n"), "{text}");
        for golden in list.goldens() {
            assert_eq!(golden.state(day("2026-05-02")), GoldenState::InForce);
        }
        assert_eq!(std::fs::read(&list.goldens()[0].path).unwrap(), b"one");
    }

    #[test]
    fn an_altered_image_is_told_from_the_listed_one() {
        let (_folder, list) = with_two();
        std::fs::write(&list.goldens()[0].path, b"other").unwrap();
        let state = list.goldens()[0].state(day("2026-05-02"));
        assert!(matches!(state, GoldenState::Altered { .. }), "{state}");
        // An expired one is not in force whatever its file says, and its file is still looked at.
        assert!(matches!(list.goldens()[0].state(day("2026-07-02")), GoldenState::Expired(_)));
        assert!(list.goldens()[0].file_state().is_broken());
    }

    #[test]
    fn one_that_is_taken_out_of_force_stays_listed_with_its_image() {
        let (folder, mut list) = with_two();
        let name = list.goldens()[0].file.clone();
        let short = name.strip_prefix("goldens/").unwrap()[..6].to_owned();
        list.withdraw(&short, day("2026-05-09")).unwrap();
        let again = GoldenList::beside(&folder.path().join("recipe.toml")).unwrap();
        let state = again.goldens()[0].state(day("2026-05-10"));
        assert_eq!(state, GoldenState::Withdrawn(day("2026-05-09")));
        assert!(again.goldens()[0].path.exists());
        assert!(list.withdraw(&name, day("2026-05-10")).unwrap_err().to_string().contains("since"));
        for (name, fact) in
            [("zz", "listed are goldens/"), ("", "no golden"), ("goldens/", "no golden")]
        {
            let error = list.withdraw(name, day("2026-05-10")).unwrap_err().to_string();
            assert!(error.contains(fact), "{name}: {error}");
        }
    }

    #[test]
    fn the_same_image_twice_and_dates_in_the_wrong_order_are_refused() {
        let (folder, mut list) = with_two();
        let before = std::fs::read(list.path()).unwrap();
        let twice = list.add((b"one", "png"), new(Shows::Good)).unwrap_err();
        assert!(twice.to_string().contains("listed already"), "{twice}");
        let backward = NewGolden { expires: Some(day("2026-05-01")), ..new(Shows::Good) };
        let error = list.add((b"three", "png"), backward).unwrap_err();
        assert!(error.to_string().contains("not after"), "{error}");
        assert_eq!(std::fs::read(list.path()).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path().join("goldens")).unwrap().count(), 2);
    }

    #[test]
    fn what_is_no_list_is_named() {
        let sum = "0".repeat(64);
        let entry = |file: &str, sum: &str, taken: &str| {
            format!(
                "[[golden]]\nfile = '{file}'\nlabel = 'ok'\nsha256 = '{sum}'\ntaken = {taken}\n"
            )
        };
        let good = entry("goldens/a.png", &sum, "2026-05-01");
        let parse = |text: String| GoldenList::parse(&text, Path::new("r.goldens.toml"));
        assert_eq!(parse(format!("format = 1\n{good}")).unwrap().goldens().len(), 1);
        for (text, fact) in [
            (format!("format = 2\n{good}"), "format 2"),
            (format!("format = 1\n{good}{good}"), "listed twice"),
            (format!("format = 1\nmore = 1\n{good}"), "unknown field"),
            (
                format!("format = 1\n{}", entry("../a.png", &sum, "2026-05-01")),
                "expected a file in",
            ),
            (format!("format = 1\n{}", entry("goldens/../../a", &sum, "2026-05-01")), "stay below"),
            (format!("format = 1\n{}", entry("goldens/a", "12", "2026-05-01")), "64 hexadecimal"),
            (format!("format = 1\n{}", entry("goldens/a", &sum, "07:32:00")), "expected a date"),
            (format!("format = 1\n{good}expires = 2026-05-01\n"), "not after"),
            (format!("format = 1\n{}", good.replace("'ok'", "'ok|a'")), "either ok or spec ids"),
        ] {
            let error = parse(text.clone()).unwrap_err().to_string();
            assert!(error.contains("r.goldens.toml") && error.contains(fact), "{text}: {error}");
        }
    }
}
