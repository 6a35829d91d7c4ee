use std::net::SocketAddr;
use std::process::Command;

use pairspec::plant::{Memory, RecipeChoice, Request, Verdict};

use super::{free_address, is_there, output, start, wait};

/// Reads or writes as a master of the plant would; addresses count from 0.
fn mbpoll(address: SocketAddr, arguments: &[&str], values: &[&str]) -> String {
    let port = address.port().to_string();
    let mut command = Command::new("mbpoll");
    command.args(["-m", "tcp", "-a", "1", "-0", "-1", "-p", &port]).args(arguments);
    output(command.arg("127.0.0.1").args(values))
}

#[test]
fn a_modbus_master_reads_and_selects_a_recipe_with_read_back() {
    let name = "a_modbus_master_reads_and_selects_a_recipe_with_read_back";
    if !is_there("mbpoll", name) {
        return;
    }
    let (folder, memory) = (tempfile::tempdir().unwrap(), Memory::new("line 1"));
    memory.finish(70_001, Verdict::Mismatch);
    let address = free_address();
    let section = format!("[modbus]\nlisten = '{address}'\npeers = ['127.0.0.1']");
    let plant = start(&section, folder.path(), &memory);
    wait("the server", || plant.status()[0].is_connected);
    // -t 3 are input registers, -t 4 holding registers; ":int -B" reads two words, high word first.
    let state = mbpoll(address, &["-t", "3", "-r", "1"], &[]);
    assert!(state.contains("[1]: \t5"), "{state}");
    let last_part = mbpoll(address, &["-t", "3:int", "-B", "-r", "26"], &[]);
    assert!(last_part.contains("[26]: \t70001"), "{last_part}");
    let written = mbpoll(address, &["-t", "4", "-r", "101"], &["2"]);
    assert!(written.contains("Written 1 references"), "{written}");
    wait("the read-back", || {
        mbpoll(address, &["-t", "4", "-r", "101"], &[]).contains("[101]: \t2")
    });
    let refused = mbpoll(address, &["-t", "4", "-r", "101"], &["9"]);
    assert!(refused.contains("Illegal data value"), "{refused}");
    let request = Request::SelectRecipe(RecipeChoice::Index(2));
    assert_eq!(memory.asked(), [(request, "modbus 127.0.0.1".to_owned())]);
}
