use std::error::Error;
use std::iter::successors;

/// An error and its causes as one line, each once: many messages end with their cause already.
pub fn told(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |&error| error.source()).map(ToString::to_string);
    causes.fold(String::new(), |told, cause| match (told.is_empty(), told.contains(&cause)) {
        (true, _) => cause,
        (false, true) => told,
        (false, false) => format!("{told}: {cause}"),
    })
}
