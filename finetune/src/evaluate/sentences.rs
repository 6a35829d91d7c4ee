use pairspec::clip::TextEncoder;
use pairspec::spec::{Prompt, embed};

use crate::describe::{Sense, Topic, caption, sound_captions};

/// Phrasings of a meaning that are averaged, spread over all of them.
const PHRASINGS: usize = 24;

/// Unit text embeddings by class.
#[derive(Debug, Clone)]
pub(super) struct Sentences {
    /// What happened.
    pub(super) faults: Vec<Vec<f32>>,
    /// What holds while it has not happened, where the product's meanings say so.
    pub(super) requirements: Vec<Option<Vec<f32>>>,
    /// Captions of frames with the fault, and of sound frames last.
    pub(super) states: Vec<Vec<f32>>,
}

impl Sentences {
    /// Embeds what is said of `classes`.
    ///
    /// # Errors
    /// A class without sentences, and what the text tower fails with.
    pub(super) fn embed(
        text: &TextEncoder,
        (product, topics): (&str, &[Topic]),
        classes: &[String],
    ) -> anyhow::Result<Self> {
        let mut faults = Vec::new();
        for class in classes {
            let is_fault = |topic: &&Topic| topic.key == *class && topic.sense == Sense::Fault;
            let topic = topics.iter().find(is_fault).ok_or_else(|| {
                anyhow::anyhow!(
                    "class {class:?}: nothing is known to say of it; add --class \"{class}=a sentence\""
                )
            })?;
            faults.push(phrasings(topic));
        }
        let captions = faults.iter().map(|sentences| {
            sentences.iter().map(|sentence| caption(product, sentence)).collect::<Vec<_>>()
        });
        let states: Vec<Vec<String>> = captions.chain([sound_captions(product)]).collect();
        let requirements = classes.iter().map(|class| {
            let topic = topics.iter().find(|topic| topic.violated_by.as_deref() == Some(class))?;
            Some(phrasings(topic))
        });
        let requirements: Vec<Option<Vec<String>>> = requirements.collect();
        let stated: Vec<Vec<String>> = requirements.iter().flatten().cloned().collect();
        let mut stated = units(text, &stated)?.into_iter();
        let requirements =
            requirements.iter().map(|is| is.as_ref().and_then(|_| stated.next())).collect();
        Ok(Self { faults: units(text, &faults)?, requirements, states: units(text, &states)? })
    }
}

fn phrasings(topic: &Topic) -> Vec<String> {
    let all = topic.phrasings();
    let step = all.len().div_ceil(PHRASINGS).max(1);
    all.into_iter().step_by(step).collect()
}

fn units(text: &TextEncoder, meanings: &[Vec<String>]) -> anyhow::Result<Vec<Vec<f32>>> {
    let prompt = |(index, sentences): (usize, &Vec<String>)| Prompt {
        id: index.to_string(),
        sentences: sentences.clone(),
        comparative: None,
    };
    let prompts: Vec<Prompt> = meanings.iter().enumerate().map(prompt).collect();
    let encode = |sentence: &str| -> anyhow::Result<Vec<f32>> {
        let embedded = text.encode(&[sentence])?.pop();
        Ok(embedded.ok_or_else(|| anyhow::anyhow!("no embedding"))?.into_values())
    };
    Ok(embed(&prompts.iter().collect::<Vec<_>>(), encode)?)
}
