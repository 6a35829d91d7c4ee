use std::sync::Arc;

use super::commands::{Commands, Master};
use super::map::{self, ACTIONS, COMMAND, RECIPE, View};
use crate::plant::seams::Doors;
use crate::plant::server::{is_listed, may_read};
use crate::plant::{Peer, RecipeChoice, Request};

const READ_HOLDING: u8 = 3;
const READ_INPUT: u8 = 4;
const WRITE_ONE: u8 = 6;
const WRITE_MANY: u8 = 16;
/// The most registers of one answer.
const MOST_READ: u16 = 125;

/// Exceptions (Modbus Application Protocol 1.1b3, 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// No such function here, or not for this peer.
    Function = 1,
    /// No such register.
    Address = 2,
    /// Not one of the values that it takes.
    Value = 3,
    /// Too many commands wait.
    Busy = 6,
}

/// Requests to answers; all connections share one.
pub(in crate::plant) struct Registers {
    peers: Vec<Peer>,
    doors: Doors,
    commands: Commands,
}

impl Registers {
    pub(in crate::plant) fn new(peers: Vec<Peer>, doors: Doors, commands: Commands) -> Self {
        Self { peers, doors, commands }
    }

    /// The answer to a function with its data, an exception where there is no other.
    pub(super) fn answer(&self, pdu: &[u8], master: &Arc<Master>) -> Vec<u8> {
        let function = pdu.first().copied().unwrap_or(0);
        match self.try_answer(function, pdu.get(1..).unwrap_or(&[]), master) {
            Ok(answer) => [&[function], &answer[..]].concat(),
            Err(refusal) => vec![function | 0x80, refusal as u8],
        }
    }

    fn try_answer(
        &self,
        function: u8,
        data: &[u8],
        master: &Arc<Master>,
    ) -> Result<Vec<u8>, Refusal> {
        if !may_read(&self.peers, master.address) {
            return Err(Refusal::Function);
        }
        match function {
            READ_HOLDING | READ_INPUT => self.read(data, master),
            WRITE_ONE | WRITE_MANY if !is_listed(&self.peers, master.address) => {
                Err(Refusal::Function)
            }
            WRITE_ONE => {
                let [register, value] = words(data).ok_or(Refusal::Value)?;
                self.write(register, value, master)?;
                Ok(data.to_vec())
            }
            WRITE_MANY => self.write_many(data, master),
            _ => Err(Refusal::Function),
        }
    }

    fn read(&self, data: &[u8], master: &Master) -> Result<Vec<u8>, Refusal> {
        let [register, count] = words(data).ok_or(Refusal::Value)?;
        if !(1..=MOST_READ).contains(&count) {
            return Err(Refusal::Value);
        }
        let snapshot = self.doors.source.snapshot();
        let recipes = self.doors.source.recipes().len();
        let view = View { snapshot: &snapshot, recipes, progress: master.progress() };
        let content = map::read(&view, register, count).ok_or(Refusal::Address)?;
        let bytes = content.iter().flat_map(|word| word.to_be_bytes());
        Ok([content.len() as u8 * 2].into_iter().chain(bytes).collect())
    }

    /// Several registers at once, of which at most one asks for something: what two would mean
    /// depends on their order.
    fn write_many(&self, data: &[u8], master: &Arc<Master>) -> Result<Vec<u8>, Refusal> {
        let (head, rest) = data.split_at_checked(4).ok_or(Refusal::Value)?;
        let [register, count] = words(head).ok_or(Refusal::Value)?;
        let (bytes, values) = rest.split_first().ok_or(Refusal::Value)?;
        let is_whole = usize::from(*bytes) == values.len()
            && values.len() == usize::from(count) * 2
            && count > 0;
        if !is_whole {
            return Err(Refusal::Value);
        }
        let end = register.checked_add(count).ok_or(Refusal::Address)?;
        if register < COMMAND || end > RECIPE + 1 {
            return Err(Refusal::Address);
        }
        let values = values.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let written: Vec<(u16, u16)> =
            (register..end).zip(values).filter(|(_, value)| *value != 0).collect();
        let [(register, value)] = written[..] else { return Err(Refusal::Value) };
        self.write(register, value, master)?;
        Ok(head.to_vec())
    }

    fn write(&self, register: u16, value: u16, master: &Arc<Master>) -> Result<(), Refusal> {
        let request = match (register, value) {
            (COMMAND, 1) => Request::Trigger,
            (COMMAND, 2) => Request::Hold { reason: format!("modbus {}", master.address) },
            (COMMAND, 3) => Request::Resume,
            (COMMAND, 4) => Request::Challenge,
            (RECIPE, index) if self.has_recipe(index) => {
                Request::SelectRecipe(RecipeChoice::Index(index))
            }
            (COMMAND | RECIPE, _) => return Err(Refusal::Value),
            _ => return Err(Refusal::Address),
        };
        let command = if register == COMMAND { value } else { ACTIONS.len() as u16 + 1 };
        let is_taken = self.commands.take(command, request, master);
        if is_taken { Ok(()) } else { Err(Refusal::Busy) }
    }

    fn has_recipe(&self, index: u16) -> bool {
        index > 0 && usize::from(index) <= self.doors.source.recipes().len()
    }
}

/// Exactly two words.
fn words(data: &[u8]) -> Option<[u16; 2]> {
    let [a, b, c, d] = *data else { return None };
    Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::plant::Memory;
    use crate::plant::modbus::commands::{Order, Orders};
    use crate::plant::tally::Tally;

    fn registers(peers: &[&str]) -> (Registers, Orders) {
        let memory = Arc::new(Memory::new("a"));
        let doors = Doors { source: memory.clone(), requests: memory };
        let (commands, orders) = Commands::queue(&Arc::new(Tally::new("modbus")));
        let peers = peers.iter().map(|peer| peer.parse().unwrap()).collect();
        (Registers::new(peers, doors, commands), orders)
    }

    fn here() -> Arc<Master> {
        Master::new(IpAddr::from([127, 0, 0, 1]))
    }

    #[test]
    fn both_reading_functions_read_the_same_table() {
        let (registers, _) = registers(&[]);
        for function in [3, 4] {
            let answer = registers.answer(&[function, 0, 0, 0, 3], &here());
            assert_eq!(answer, [function, 6, 0, 2, 0, 5, 0, 0]);
        }
    }

    #[test]
    fn what_cannot_be_read_or_written_has_its_exception() {
        let (registers, orders) = registers(&["127.0.0.1"]);
        for (pdu, exception) in [
            (&[1, 0, 0, 0, 1][..], 1),
            (&[43, 14, 1, 0], 1),
            (&[0], 1),
            (&[3, 0, 0, 0, 0], 3),
            (&[3, 0, 0, 0, 126], 3),
            (&[3, 0, 0, 0], 3),
            (&[3, 0, 0, 0, 1, 9], 3),
            (&[3, 0, 60, 0, 1], 2),
            (&[4, 255, 255, 0, 2], 2),
            (&[6, 0, 1, 0, 1], 2),
            (&[6, 0, 100, 0, 5], 3),
            (&[6, 0, 101, 0, 3], 3),
            (&[6, 0, 101, 0, 0], 3),
            (&[16, 0, 100, 0, 2, 4, 0, 1, 0, 1], 3),
            (&[16, 0, 100, 0, 2, 4, 0, 0, 0, 0], 3),
            (&[16, 0, 100, 0, 2, 4, 0, 1], 3),
            (&[16, 0, 100, 0, 3, 6, 0, 1, 0, 0, 0, 0], 2),
            (&[16, 0, 99, 0, 2, 4, 0, 0, 0, 1], 2),
            (&[16, 255, 255, 0, 2, 4, 0, 0, 0, 1], 2),
            (&[16, 0, 100], 3),
        ] {
            assert_eq!(registers.answer(pdu, &here()), [pdu[0] | 0x80, exception], "{pdu:?}");
        }
        assert!(orders.quick.try_recv().is_err() && orders.slow.try_recv().is_err());
    }

    #[test]
    fn a_write_is_a_command_with_read_back() {
        let ((registers, orders), master) = (registers(&["127.0.0.0/8"]), here());
        let read_back = || registers.answer(&[3, 0, 45, 0, 2], &master)[2..].to_vec();
        assert_eq!(read_back(), [0, 0, 0, 0]);
        let write = [6, 0, 100, 0, 2];
        assert_eq!(registers.answer(&write, &master), write);
        let select = [16, 0, 100, 0, 2, 4, 0, 0, 0, 2];
        assert_eq!(registers.answer(&select, &master), select[..5]);
        assert_eq!(read_back(), [0, 2, 0, 1]);
        let other = registers.answer(&[3, 0, 45, 0, 2], &here());
        assert_eq!(other[2..], [0, 0, 0, 0], "another connection has asked for nothing");
        let Order { request, count, .. } = orders.quick.try_recv().unwrap();
        let hold = Request::Hold { reason: "modbus 127.0.0.1".to_owned() };
        assert_eq!((request, count), (hold, 1));
        let Order { request, count, .. } = orders.slow.try_recv().unwrap();
        assert_eq!((request, count), (Request::SelectRecipe(RecipeChoice::Index(2)), 2));
    }

    #[test]
    fn too_many_commands_are_refused_as_busy() {
        let (registers, _requests) = registers(&["127.0.0.1"]);
        let answers: Vec<Vec<u8>> =
            (0..6).map(|_| registers.answer(&[6, 0, 100, 0, 1], &here())).collect();
        assert_eq!(answers.iter().filter(|answer| answer[0] == 6).count(), 4);
        assert_eq!(answers[5], [0x86, 6]);
    }

    #[test]
    fn who_is_not_listed_does_not_write_and_reads_where_nobody_is() {
        let (open, _requests) = registers(&[]);
        assert_eq!(open.answer(&[6, 0, 100, 0, 1], &here()), [0x86, 1]);
        assert_eq!(open.answer(&[3, 0, 0, 0, 1], &here())[0], 3);
        let (closed, _requests) = registers(&["10.0.0.1"]);
        assert_eq!(closed.answer(&[3, 0, 0, 0, 1], &here()), [0x83, 1]);
    }
}
