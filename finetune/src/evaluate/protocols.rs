use pairspec::calibrate::{Auroc, Proportion, Scored};
use pairspec::diff::dot;
use pairspec::frame::Rect;
use pairspec::spec::Kind;
use pairspec::verdict::{Judge, Sentence};
use serde::Serialize;

use super::embedded::Embedded;
use super::sentences::Sentences;

/// Difference classification: right if the difference has a positive cosine with its sentence, or a
/// negative one with the requirement that it breaks; chance is one half.
#[derive(Debug, Clone, Serialize)]
pub struct Differences {
    /// Faults whose difference goes toward their sentence.
    pub faults: Proportion,
    /// Faults whose difference goes away from the requirement they break.
    pub requirements: Proportion,
}

/// Figures of one class.
#[derive(Debug, Clone, Serialize)]
pub struct ClassFigures {
    /// The class.
    pub class: String,
    /// Its crops for which its sentence is the nearest of all faults' to the difference.
    pub kind: Proportion,
    /// How well breaking its requirement tells its crops from sound ones.
    pub requirement: Option<Auroc>,
    /// Ranking by its sentence.
    pub ranking: Ranking,
}

/// Attribute ranking: how well the order along one sentence puts what has the attribute above sound
/// crops.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ranking {
    /// Test frames by the cosine of their embedding.
    pub frames: Option<Auroc>,
    /// Pairs by their difference.
    pub differences: Option<Auroc>,
}

pub(super) fn differences(crops: &[Embedded], sentences: &Sentences) -> Differences {
    let (mut faults, mut toward, mut breaks, mut away) = (0, 0, 0, 0);
    for crop in crops {
        let Some(class) = crop.class else { continue };
        faults += 1;
        toward += usize::from(crop.difference.along(&sentences.faults[class]).cosine > 0.0);
        if let Some(requirement) = &sentences.requirements[class] {
            breaks += 1;
            away += usize::from(crop.difference.along(requirement).cosine < 0.0);
        }
    }
    Differences {
        faults: Proportion::new(toward, faults),
        requirements: Proportion::new(away, breaks),
    }
}

/// How well the highest confidence of a fault tells faults from sound crops.
pub(super) fn faulty(
    crops: &[Embedded],
    sentences: &Sentences,
    (scale, no_change_logit): (f32, f32),
) -> Option<Auroc> {
    let judge = judge(&sentences.faults, Kind::Fault, (scale, no_change_logit));
    auroc(crops.iter().map(|crop| {
        let scores = judge.score(&crop.difference, &Rect::new(0, 0, 1, 1)).scores;
        let highest = scores.iter().flatten().map(|score| score.confidence).fold(0.0, f32::max);
        (crop.class.is_some(), highest)
    }))
}

pub(super) fn of_classes(
    crops: &[Embedded],
    sentences: &Sentences,
    classes: &[String],
) -> Vec<ClassFigures> {
    let kinds = kinds(crops, sentences);
    let of_class = |(class, name): (usize, &String)| {
        let against_sound = |score: &dyn Fn(&Embedded) -> f32| {
            let involved = |crop: &&Embedded| crop.class.is_none_or(|of| of == class);
            auroc(crops.iter().filter(involved).map(|crop| (crop.class.is_some(), score(crop))))
        };
        let sentence = &sentences.faults[class];
        let requirement = sentences.requirements[class].as_ref();
        let own = kinds.iter().filter(|(truth, _)| *truth == class);
        let right = own.clone().filter(|(_, said)| *said == class).count();
        ClassFigures {
            class: name.clone(),
            kind: Proportion::new(right, own.count()),
            requirement: requirement.and_then(|requirement| {
                against_sound(&|crop| -crop.difference.along(requirement).dot)
            }),
            ranking: Ranking {
                frames: against_sound(&|crop| dot(&crop.frames[1], sentence)),
                differences: against_sound(&|crop| crop.difference.along(sentence).dot),
            },
        }
    };
    classes.iter().enumerate().map(of_class).collect()
}

/// Of each fault its class and the class whose sentence is nearest.
pub(super) fn kinds(crops: &[Embedded], sentences: &Sentences) -> Vec<(usize, usize)> {
    let said = |crop: &Embedded| {
        let along = |sentence: &Vec<f32>| crop.difference.along(sentence).dot;
        Some((crop.class?, nearest(&sentences.faults, along)?))
    };
    crops.iter().filter_map(said).collect()
}

/// Of each crop its state and the state whose caption is nearest to its test frame; that of a sound
/// crop is the last.
pub(super) fn zero_shot<'a>(
    crops: impl IntoIterator<Item = &'a Embedded>,
    states: &[Vec<f32>],
) -> Vec<(usize, usize)> {
    let sound = states.len() - 1;
    let said = |crop: &Embedded| {
        let said = nearest(states, |state| dot(&crop.frames[1], state))?;
        Some((crop.class.unwrap_or(sound), said))
    };
    crops.into_iter().filter_map(said).collect()
}

/// The share of answers that are right.
pub(super) fn right(answers: &[(usize, usize)]) -> Proportion {
    Proportion::new(answers.iter().filter(|(truth, said)| truth == said).count(), answers.len())
}

/// The index for which `score` is highest.
pub(super) fn nearest<T>(of: &[T], score: impl Fn(&T) -> f32) -> Option<usize> {
    let scored = of.iter().map(score).enumerate();
    scored.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}

fn judge(sentences: &[Vec<f32>], kind: Kind, (scale, no_change_logit): (f32, f32)) -> Judge {
    let sentence = |(index, embedding): (usize, &Vec<f32>)| Sentence {
        id: index.to_string(),
        kind,
        embedding: embedding.clone(),
        region: None,
    };
    Judge::new(sentences.iter().enumerate().map(sentence).collect(), scale, no_change_logit)
}

/// Crops are taken as independent.
fn auroc(scored: impl Iterator<Item = (bool, f32)>) -> Option<Auroc> {
    let scored: Vec<Scored> = scored
        .enumerate()
        .map(|(cluster, (bad, score))| Scored { cluster, bad, score: f64::from(score) })
        .collect();
    Auroc::of(&scored)
}
