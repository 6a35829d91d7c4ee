use std::time::Duration;

/// How long to wait before something that failed is tried again: twice as long each time.
#[derive(Debug, Clone)]
pub(super) struct Pause {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Pause {
    pub(super) fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, next: least }
    }

    /// The pause after one more failure.
    pub(super) fn after_failure(&mut self) -> Duration {
        let pause = self.next;
        self.next = self.next.saturating_mul(2).min(self.most);
        pause
    }

    /// It worked: the next failure is a first one.
    pub(super) fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_begin_anew() {
        let ms = Duration::from_millis;
        let mut pause = Pause::new(ms(100), ms(350));
        assert_eq!([(); 4].map(|()| pause.after_failure()), [100, 200, 350, 350].map(ms));
        pause.reset();
        assert_eq!(pause.after_failure(), ms(100));
    }
}
