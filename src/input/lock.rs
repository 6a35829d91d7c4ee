use super::Action;

/// What the operator may do beyond viewing, acknowledging and holding.
///
/// Holding and acknowledging are always allowed: nobody may be kept from stopping the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lock {
    /// Whether another recipe may be taken.
    pub may_change_recipe: bool,
}

/// What an action depends on beside the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The last challenge failed, and none was passed since.
    pub challenge_failed: bool,
}

/// Why an action is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The configuration does not let the operator change recipes.
    #[error("{}: locked for the operator ([input.operator] may_change_recipe)", .0.name())]
    Recipe(Action),
    /// Known parts were judged wrongly: what would be passed now may be bad, and no key lets the
    /// operator go on.
    #[error("resume: the challenge failed; pass it, or change the recipe")]
    FailedChallenge,
}

impl Lock {
    /// Whether an action may be done now.
    ///
    /// # Errors
    /// The [`Refusal`] that says by which key it is locked.
    pub fn check(&self, action: Action, now: Circumstances) -> Result<(), Refusal> {
        match action {
            Action::NextRecipe | Action::SelectRecipe if !self.may_change_recipe => {
                Err(Refusal::Recipe(action))
            }
            Action::Resume if now.challenge_failed => Err(Refusal::FailedChallenge),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ACTIONS;

    const FAILED: Circumstances = Circumstances { challenge_failed: true };
    const PASSED: Circumstances = Circumstances { challenge_failed: false };

    fn allowed(lock: Lock, now: Circumstances) -> Vec<Action> {
        ACTIONS.into_iter().filter(|action| lock.check(*action, now).is_ok()).collect()
    }

    #[test]
    fn a_locked_operator_views_acknowledges_holds_and_challenges() {
        let actions = allowed(Lock::default(), FAILED);
        let expected = [Action::Acknowledge, Action::Hold, Action::Challenge, Action::NextScreen];
        assert_eq!(actions, expected);
        assert!(allowed(Lock::default(), PASSED).contains(&Action::Resume));
    }

    #[test]
    fn nothing_but_a_passed_challenge_lets_the_line_go_on_after_a_failed_one() {
        let recipe = Lock { may_change_recipe: true };
        assert!(allowed(recipe, FAILED).contains(&Action::SelectRecipe));
        assert!(!allowed(recipe, FAILED).contains(&Action::Resume));
        assert!(allowed(recipe, PASSED).contains(&Action::Resume));
    }

    #[test]
    fn a_refusal_names_the_key_that_locks() {
        let refusal = Lock::default().check(Action::SelectRecipe, PASSED);
        let text = refusal.map_err(|refusal| refusal.to_string());
        let expected =
            "select-recipe: locked for the operator ([input.operator] may_change_recipe)";
        assert_eq!(text, Err(expected.to_owned()));
    }
}
