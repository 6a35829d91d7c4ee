use std::cell::Cell;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, TryLockError};

use rayon::ThreadPool;
use rayon::prelude::*;

thread_local! {
    /// How many threads share the work of this one; only set on threads of the pool.
    static SHARING: Cell<usize> = const { Cell::new(1) };
}

/// Runs work whose kernels are shared out to this many threads of the process-wide pool.
///
/// The pool has a thread per processor and is started by the first call that asks for more than
/// one; work for one thread runs where it is, at no cost.
pub fn with_threads<T: Send>(threads: NonZero<usize>, work: impl FnOnce() -> T + Send) -> T {
    match (threads.get(), pool()) {
        (2.., Some(pool)) => pool.install(|| {
            let before = SHARING.replace(threads.get());
            let result = helped(threads.get() - 1, work);
            SHARING.set(before);
            result
        }),
        _ => work(),
    }
}

/// Runs work while so many other threads of the pool look for parts of it without sleeping.
///
/// An inference hands out work more than a hundred times, for some ten microseconds each; waking a
/// thread takes as long.
fn helped<T: Send>(helpers: usize, work: impl FnOnce() -> T + Send) -> T {
    /// Two that help each other would wait for each other's end; the second does without.
    static HELPED: Mutex<()> = Mutex::new(());
    let _only = match HELPED.try_lock() {
        Ok(only) => only,
        // The work of another caller panicked; nothing is behind the lock.
        Err(TryLockError::Poisoned(only)) => only.into_inner(),
        Err(TryLockError::WouldBlock) => return work(),
    };
    let owner = rayon::current_thread_index();
    let is_done = AtomicBool::new(false);
    let help = || {
        // The owner, waiting for a part, may come across this: it must not wait for itself.
        while rayon::current_thread_index() != owner && !is_done.load(Ordering::Acquire) {
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                std::hint::spin_loop();
            }
        }
    };
    rayon::in_place_scope(|scope| {
        (0..helpers).for_each(|_| scope.spawn(|_| help()));
        let _end = End(&is_done);
        work()
    })
}

/// Lets the helpers go, also when the work panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Hands out `0..count` in contiguous parts to the threads that share this one's work.
pub(super) fn split(count: usize, part: impl Fn(Range<usize>) + Sync) {
    let threads = SHARING.get().min(count);
    if threads < 2 {
        return part(0..count);
    }
    (0..threads)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|index| part(count * index / threads..count * (index + 1) / threads));
}

/// `None` where threads cannot be started; one then does all.
fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let start = || {
        let named = rayon::ThreadPoolBuilder::new().thread_name(|index| format!("int8-{index}"));
        match named.build() {
            Ok(pool) => Some(pool),
            Err(error) => {
                log::warn!("no threads for kernels ({error}); one does all the work");
                None
            }
        }
    };
    POOL.get_or_init(start).as_ref()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::panic::catch_unwind;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn parts(threads: usize, count: usize) -> Vec<Range<usize>> {
        let all = Mutex::new(Vec::new());
        with_threads(NonZero::new(threads).unwrap(), || {
            split(count, |range| all.lock().unwrap().push(range));
        });
        let mut all = all.into_inner().unwrap();
        all.sort_by_key(|range| range.start);
        all
    }

    #[test]
    fn every_piece_is_handed_out_once() {
        for threads in [1, 2, 3, 8] {
            for count in [0, 1, 2, 7, 100] {
                let parts = parts(threads, count);
                assert!(parts.len() <= threads, "{parts:?}");
                let all: Vec<usize> = parts.into_iter().flatten().collect();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn callers_at_once_and_callers_that_panic_leave_nobody_waiting() {
        let two = NonZero::new(2).unwrap();
        let sum = || {
            let total = AtomicUsize::new(0);
            split(64, |range| {
                total.fetch_add(range.sum(), Ordering::Relaxed);
            });
            total.into_inner()
        };
        std::thread::scope(|scope| {
            for caller in 0..8 {
                scope.spawn(move || {
                    for round in 0..200 {
                        let panics = caller == 0 && round % 50 == 0;
                        let work = || if panics { panic!("as a test") } else { sum() };
                        let done = catch_unwind(|| with_threads(two, work));
                        assert!(done.map_or(panics, |found| found == 2016));
                    }
                });
            }
        });
    }

    #[test]
    fn one_thread_does_its_work_where_it_is() {
        let here = std::thread::current().id();
        let there = with_threads(NonZero::<usize>::MIN, || std::thread::current().id());
        assert_eq!(there, here);
    }
}
