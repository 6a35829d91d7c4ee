use std::fs;
use std::path::PathBuf;

use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::*;
use crate::journal::{DATABASE, Error, FORMAT};

/// A closed journal with a little of everything.
fn journal() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::open(folder.path(), settings()).unwrap();
    judge(&writer, Outcome::Conforming);
    let failed = judge(&writer, Outcome::Mismatch);
    assert!(writer.keep(failed, true, pair(1)));
    writer.append_event(event("acknowledged"));
    judge(&writer, Outcome::not_inspected("deadline", "120 ms"));
    flush(&writer);
    writer.close().unwrap();
    // All in one file, for bytes to be changed there.
    let connection = database(&folder);
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    folder
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join(DATABASE)
}

fn database(folder: &TempDir) -> Connection {
    Connection::open(path(folder)).unwrap()
}

fn export(folder: &Path) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    Reader::open(folder)?.export(&mut out)?.unwrap();
    Ok(out)
}

/// Changes the journal, sees where it breaks, and takes the change back.
fn broken_after(connection: &Connection, folder: &TempDir, change: &str) -> Option<u64> {
    connection.execute_batch(&format!("BEGIN; {change}; COMMIT")).unwrap();
    verify(folder.path()).broken.map(|broken| broken.seq)
}

#[test]
fn any_changed_byte_of_any_text_or_hash_is_found_and_named() {
    let folder = journal();
    let connection = database(&folder);
    let all = rows(folder.path(), &Filter::default());
    assert!(all.len() >= 8);
    for Row { seq, text, hash, .. } in all {
        for (column, content) in [("text", text), ("hash", hash)] {
            let update = format!("UPDATE records SET {column} = ?1 WHERE seq = ?2");
            for at in 0..content.len() {
                let mut changed = content.clone().into_bytes();
                changed[at] ^= 1;
                let changed = String::from_utf8(changed).unwrap();
                connection.execute(&update, params![changed, seq]).unwrap();
                let broken = verify(folder.path()).broken.unwrap();
                assert_eq!(broken.seq, seq, "{column} byte {at}: {broken}");
            }
            connection.execute(&update, params![content, seq]).unwrap();
        }
    }
    assert_eq!(verify(folder.path()).broken, None);
}

#[test]
fn derived_columns_that_say_something_else_are_found() {
    for change in ["number = 99", "verdict = 'conforming'", "unix_ms = 5", "kind = 'event'"] {
        let folder = journal();
        let query = "SELECT seq FROM records WHERE verdict = 'mismatch'";
        let connection = database(&folder);
        let seq: u64 = connection.query_row(query, [], |row| row.get(0)).unwrap();
        let change = format!("UPDATE records SET {change} WHERE seq = {seq}");
        assert_eq!(broken_after(&connection, &folder, &change), Some(seq), "{change}");
    }
}

#[test]
fn a_missing_record_is_found_wherever_it_was() {
    let last = verify(journal().path()).head_seq;
    for seq in 1..=last {
        let folder = journal();
        let change = format!("DELETE FROM records WHERE seq = {seq}");
        let expected = if seq == last { last } else { seq + 1 };
        assert_eq!(broken_after(&database(&folder), &folder, &change), Some(expected), "{seq}");
    }
}

#[test]
fn a_chain_made_anew_does_not_have_the_head_that_was_noted() {
    let (old, new) = (journal(), journal());
    let noted = verify(old.path());
    let head = Some((noted.head_seq, noted.head_hash));
    let holds = Reader::open(old.path()).unwrap().verify(head.clone(), false).unwrap();
    assert_eq!(holds.broken, None);
    let forged = Reader::open(new.path()).unwrap().verify(head, false).unwrap();
    assert_eq!(forged.broken.unwrap().seq, noted.head_seq);
}

#[test]
fn a_changed_image_is_found_and_a_missing_one_is_counted() {
    let folder = journal();
    let whole = verify(folder.path());
    assert_eq!((whole.images, whole.images_gone), (2, 0));
    let image = folder.path().join("evidence/000000/000000002-test.png");
    let mut content = fs::read(&image).unwrap();
    content[100] ^= 1;
    fs::write(&image, content).unwrap();
    assert!(verify(folder.path()).broken.unwrap().reason.contains("000000002-test.png"));
    fs::remove_file(&image).unwrap();
    let rest = verify(folder.path());
    assert_eq!((rest.broken, rest.images, rest.images_gone), (None, 1, 1));
}

#[test]
fn no_changed_byte_of_the_file_changes_what_verifies() {
    let folder = journal();
    let original = fs::read(path(&folder)).unwrap();
    let exported = export(folder.path()).unwrap();
    for at in (0..original.len()).step_by(61) {
        let mut changed = original.clone();
        changed[at] ^= 0x41;
        fs::write(path(&folder), changed).unwrap();
        let Ok(reader) = Reader::open(folder.path()) else { continue };
        let holds = reader.verify(None, false).is_ok_and(|verified| verified.broken.is_none());
        drop(reader);
        assert!(!holds || export(folder.path()).unwrap() == exported, "byte {at}");
    }
}

#[test]
fn a_cut_file_is_a_clear_error() {
    let folder = journal();
    let original = fs::read(path(&folder)).unwrap();
    let lengths = (0..original.len()).step_by(1_024).chain([1, 50, original.len() - 1]);
    for length in lengths {
        fs::write(path(&folder), &original[..length]).unwrap();
        let opened = Writer::open(folder.path(), settings());
        let Err(error) = opened else { panic!("opened with {length} of {}", original.len()) };
        assert!(matches!(error, Error::Damaged { .. }), "{length}: {error}");
        assert!(error.to_string().contains("journal.sqlite: damaged"), "{error}");
        let now = fs::read(path(&folder)).unwrap();
        assert_eq!(now, original[..length], "what is damaged is left alone");
    }
}

#[test]
fn what_is_newer_or_something_else_is_refused_by_name() {
    let refusal = |folder: &TempDir| {
        let [read, written] = [
            Reader::open(folder.path()).map(drop).unwrap_err().to_string(),
            Writer::open(folder.path(), settings()).map(drop).unwrap_err().to_string(),
        ];
        assert_eq!(read, written);
        read
    };
    let folder = journal();
    database(&folder).pragma_update(None, "user_version", FORMAT + 1).unwrap();
    let expected = "journal of version 2, this program knows up to 1";
    assert!(refusal(&folder).contains(expected));
    database(&folder).pragma_update(None, "application_id", 7).unwrap();
    assert!(refusal(&folder).contains("not a pairspec journal"));
    fs::write(path(&folder), "a,b,c\n".repeat(100)).unwrap();
    assert!(refusal(&folder).contains("not a pairspec journal"));
}
