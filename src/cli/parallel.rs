use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Works on `items` with as many threads as the machine has cores and hands the results to
/// `consume` in the order of the items; a consumer that fails stops the work.
///
/// Results wait in memory until their turn comes, at most a few more than there are threads as
/// long as items take similar time.
pub(crate) fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut consume: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel(2 * threads);
        for _ in 0..threads {
            let sender = sender.clone();
            let (next, stopped, work) = (&next, &stopped, &work);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if sender.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (index, result) in receiver {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&turn) {
                consume(turn, result).inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
                turn += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn results_arrive_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..200).collect();
        let mut seen = Vec::new();
        let slow_start = |item: &u64| {
            thread::sleep(std::time::Duration::from_micros(if *item == 0 { 5000 } else { 10 }));
            item * 2
        };
        in_order(&items, slow_start, |index, result| {
            seen.push((index as u64, result));
            Ok::<(), ()>(())
        })
        .unwrap();
        assert!(
            seen.iter().enumerate().all(|(turn, found)| *found == (turn as u64, turn as u64 * 2))
        );
        assert_eq!(seen.len(), 200);
    }

    #[test]
    fn a_consumer_that_fails_stops_the_work() {
        let items: Vec<u32> = (0..100_000).collect();
        let done = AtomicUsize::new(0);
        let counted = |_: &u32| done.fetch_add(1, Ordering::Relaxed);
        let result =
            in_order(&items, counted, |index, _| if index == 3 { Err("full") } else { Ok(()) });
        assert_eq!(result, Err("full"));
        assert!(done.load(Ordering::Relaxed) < items.len());
    }
}
