use pairspec_finetune::describe::may_be_logged;

/// A logger that keeps to itself what could hold a key, whatever `RUST_LOG` asks for.
pub(super) struct Quiet<L>(pub(super) L);

impl<L: log::Log> log::Log for Quiet<L> {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        may_be_logged(metadata) && self.0.enabled(metadata)
    }

    fn log(&self, record: &log::Record<'_>) {
        if may_be_logged(record.metadata()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use log::{Level, Log, Metadata, Record};

    use super::*;

    struct Seen(Mutex<Vec<String>>);

    impl Log for Seen {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            self.0.lock().unwrap().push(format!("{} {}", record.level(), record.target()));
        }

        fn flush(&self) {}
    }

    #[test]
    fn only_the_finer_words_of_the_http_client_are_kept_back() {
        let quiet = Quiet(Seen(Mutex::default()));
        for (level, target) in [
            (Level::Trace, "ureq_proto::util"),
            (Level::Debug, "ureq::run"),
            (Level::Warn, "ureq"),
            (Level::Trace, "pairspec_finetune::describe"),
        ] {
            quiet.log(&Record::builder().level(level).target(target).build());
        }
        let seen = quiet.0.0.lock().unwrap();
        assert_eq!(*seen, ["WARN ureq", "TRACE pairspec_finetune::describe"]);
    }
}
