use std::cell::Cell;
use std::num::NonZero;
use std::ops::Range;
use std::sync::OnceLock;

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
            let result = work();
            SHARING.set(before);
            result
        }),
        _ => work(),
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
    use std::sync::Mutex;

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
    fn one_thread_does_its_work_where_it_is() {
        let here = std::thread::current().id();
        let there = with_threads(NonZero::<usize>::MIN, || std::thread::current().id());
        assert_eq!(there, here);
    }
}
