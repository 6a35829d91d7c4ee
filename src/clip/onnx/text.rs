use tract_onnx::pb::tensor_proto::DataType;

use super::block::{Block, Tokens};
use super::graph::{Attribute, Dim, Graph, WeightType};
use crate::clip::config::{Pooling, TextConfig};

const MODEL: &str = "text_model";
/// Added to the score of a later token. Its exponential is 0 in f32 beside any other score, and
/// unlike the lowest f32 it cannot overflow when a score is added.
const MASKED: f32 = -1e9;

/// The text tower: `input_ids [N, T]` (i64) to `text_embeds [N, projection]` (f32), for any T up to
/// the context length.
///
/// The causal mask makes tokens behind the end token irrelevant, so no padding mask is needed and
/// sequences may be cut behind their end token.
/// Source of names and arithmetic: transformers, `CLIPTextModelWithProjection`.
pub(crate) fn text_graph(config: &TextConfig, projection: usize, weight_type: WeightType) -> Graph {
    let mut graph = Graph::new(weight_type);
    let hidden = config.tower.hidden;
    let dims = vec![Dim::Free("N"), Dim::Free("T")];
    let ids = graph.input("input_ids", DataType::Int64, dims);
    let shape = graph.node("Shape", "ids_shape", &[&ids], vec![]);
    let bounds = vec![("start", Attribute::Integer(1)), ("end", Attribute::Integer(2))];
    let length = graph.node("Shape", "length", &[&ids], bounds);

    let embedded = embeddings(&mut graph, config, &ids, &length);
    let mut x = graph.reshape(&format!("{MODEL}.rows"), &embedded, vec![-1, hidden as i64]);
    let mask = causal_mask(&mut graph, config.context, &length);
    let heads = vec![config.tower.heads as i64, (hidden / config.tower.heads) as i64];
    let heads = appended(&mut graph, "heads", &shape, heads);
    for layer in 0..config.tower.layers {
        let name = format!("{MODEL}.encoder.layers.{layer}");
        let tower = &config.tower;
        let block = Block { graph: &mut graph, name, tower, mask: Some(&mask) };
        x = block.all_tokens(Tokens { rows: &x, heads: &heads });
    }

    let sequences = appended(&mut graph, "sequences_shape", &shape, vec![hidden as i64]);
    let sequences = graph.node("Reshape", "sequences", &[&x, &sequences], vec![]);
    let chosen = chosen_token(&mut graph, config, &ids, &length);
    let pooled = graph.node("MatMul", "pooled", &[&chosen, &sequences], vec![]);
    let pooled = graph.reshape("pooled_rows", &pooled, vec![-1, hidden as i64]);
    // LayerNorm works on each token alone, so choosing first is the same and cheaper.
    let normed = graph.layer_norm(&format!("{MODEL}.final_layer_norm"), &pooled, &config.tower);
    let dims = vec![projection, hidden];
    let weight = graph.matrix("text_projection.weight", dims.clone(), dims);
    graph.projection("text_embeds", &normed, &weight);
    graph.output("text_embeds", vec![Dim::Free("N"), Dim::Fixed(projection)]);
    graph
}

fn embeddings(graph: &mut Graph, config: &TextConfig, ids: &str, length: &str) -> String {
    let name = format!("{MODEL}.embeddings");
    let hidden = config.tower.hidden;
    let dims = vec![config.vocabulary, hidden];
    let tokens = graph.matrix(&format!("{name}.token_embedding.weight"), dims.clone(), dims);
    let found = graph.node("Gather", format!("{name}.tokens"), &[&tokens, ids], vec![]);
    let positions =
        graph.weight(&format!("{name}.position_embedding.weight"), vec![config.context, hidden]);
    let used = graph.slice(&format!("{name}.positions"), &positions, length, vec![0]);
    graph.node("Add", name, &[&found, &used], vec![])
}

/// `[T, T]`: 0 where a token may look, [`MASKED`] at later tokens.
fn causal_mask(graph: &mut Graph, context: usize, length: &str) -> String {
    let values = (0..context)
        .flat_map(|row| (0..context).map(move |column| if column > row { MASKED } else { 0.0 }))
        .collect();
    let whole = graph.floats("causal_mask", vec![context, context], values);
    let axis = vec![("axis", Attribute::Integer(0))];
    let both = graph.node("Concat", "mask_end", &[length, length], axis);
    graph.slice("mask", &whole, &both, vec![0, 1])
}

/// `[N, 1, T]`: 1 at the token each sentence's embedding is taken from, else 0.
fn chosen_token(graph: &mut Graph, config: &TextConfig, ids: &str, length: &str) -> String {
    let to_int = || vec![("to", Attribute::Integer(DataType::Int32 as i64))];
    let candidates = match config.pooling {
        // onnxruntime has ArgMax for i32, not for i64.
        Pooling::LargestId => graph.node("Cast", "ids_as_int", &[ids], to_int()),
        Pooling::FirstOf(id) => {
            let end = graph.integers("end_token", vec![id]);
            let equal = graph.node("Equal", "is_end", &[ids, &end], vec![]);
            graph.node("Cast", "is_end_as_int", &[&equal], to_int())
        }
    };
    let keep = vec![("axis", Attribute::Integer(1)), ("keepdims", Attribute::Integer(1))];
    let place = graph.node("ArgMax", "place", &[&candidates], keep);
    let all = graph.integers("all_places", (0..config.context as i64).collect());
    let places = graph.slice("places", &all, length, vec![0]);
    let chosen = graph.node("Equal", "is_chosen", &[&place, &places], vec![]);
    let to_float = vec![("to", Attribute::Integer(DataType::Float as i64))];
    let chosen = graph.node("Cast", "chosen", &[&chosen], to_float);
    let axes = graph.integers("chosen_axes", vec![1]);
    graph.node("Unsqueeze", "chosen_row", &[&chosen, &axes], vec![])
}

/// The computed shape `[N, T]` with constant dimensions behind it.
fn appended(graph: &mut Graph, name: &str, shape: &str, dims: Vec<i64>) -> String {
    let dims = graph.integers(format!("{name}.fixed"), dims);
    graph.node("Concat", name, &[shape, &dims], vec![("axis", Attribute::Integer(0))])
}
