use tract_onnx::pb::tensor_proto::DataType;

use super::block::{Block, Tokens};
use super::graph::{Attribute, Dim, Graph, WeightType};
use crate::clip::config::VisionConfig;
use crate::clip::{Error, WeightSource};

const MODEL: &str = "vision_model";

/// The image tower: `pixel_values [N, 3, H, W]` to `image_embeds [N, projection]`, both f32.
///
/// Source of names and arithmetic: transformers, `CLIPVisionModelWithProjection`.
///
/// # Errors
/// Those of `weights`, which is asked for the tensors that are stored in another form than the
/// checkpoint's: class token and positions, added together.
pub(crate) fn vision_graph(
    config: &VisionConfig,
    projection: usize,
    weight_type: WeightType,
    weights: &mut dyn WeightSource,
) -> Result<Graph, Error> {
    let mut graph = Graph::new(weight_type);
    let (image, hidden, tokens) = (config.image, config.tower.hidden, config.tokens());
    let dims = vec![Dim::Free("N"), Dim::Fixed(3), Dim::Fixed(image), Dim::Fixed(image)];
    let pixels = graph.input("pixel_values", DataType::Float, dims);
    let patches = patch_rows(&mut graph, config, &pixels);
    let embedded = embeddings(&mut graph, config, &patches, weights)?;
    let normed = graph.layer_norm(&format!("{MODEL}.pre_layrnorm"), &embedded, &config.tower);
    let mut x = graph.reshape(&format!("{MODEL}.rows"), &normed, vec![-1, hidden as i64]);

    let (heads, width) = (config.tower.heads as i64, (hidden / config.tower.heads) as i64);
    let all = graph.integers("heads_of_all", vec![-1, tokens as i64, heads, width]);
    let one = graph.integers("heads_of_one", vec![-1, 1, heads, width]);
    for layer in 0..config.tower.layers {
        let name = format!("{MODEL}.encoder.layers.{layer}");
        let block = Block { graph: &mut graph, name, tower: &config.tower, mask: None };
        let rows = Tokens { rows: &x, heads: &all };
        x = match layer + 1 == config.tower.layers {
            true => block.first_token(rows, &one, tokens),
            false => block.all_tokens(rows),
        };
    }
    let pooled = graph.layer_norm(&format!("{MODEL}.post_layernorm"), &x, &config.tower);
    let dims = vec![projection, hidden];
    let weight = graph.matrix("visual_projection.weight", dims.clone(), dims);
    graph.projection("image_embeds", &pooled, &weight);
    graph.output("image_embeds", vec![Dim::Free("N"), Dim::Fixed(projection)]);
    Ok(graph)
}

/// The patch convolution as a linear layer: kernel and stride are equal, so each patch is a row.
fn patch_rows(graph: &mut Graph, config: &VisionConfig, pixels: &str) -> String {
    let name = format!("{MODEL}.embeddings.patch_embedding");
    let (grid, patch, hidden) = (config.grid(), config.patch, config.tower.hidden);
    let mut pixels = pixels.to_owned();
    if grid * patch < config.image {
        let end = graph.integers(format!("{name}.end"), vec![(grid * patch) as i64; 2]);
        pixels = graph.slice(&format!("{name}.cut"), &pixels, &end, vec![2, 3]);
    }
    let (g, p) = (grid as i64, patch as i64);
    let cells = graph.reshape(&format!("{name}.cells"), &pixels, vec![-1, 3, g, p, g, p]);
    let turned = graph.transpose(&format!("{name}.turned"), &cells, &[0, 2, 4, 1, 3, 5]);
    let rows = graph.reshape(&format!("{name}.rows"), &turned, vec![-1, 3 * p * p]);
    let shape = vec![hidden, 3, patch, patch];
    let weight = graph.matrix(&format!("{name}.weight"), shape, vec![hidden, 3 * patch * patch]);
    let patches = graph.projection(&name, &rows, &weight);
    graph.reshape(&format!("{name}.grid"), &patches, vec![-1, g * g, hidden as i64])
}

/// Puts a zero row before the patches and adds one table whose first row is class token plus first
/// position: the same sums as transformers', without an `Expand` and a `Concat` over the batch.
fn embeddings(
    graph: &mut Graph,
    config: &VisionConfig,
    patches: &str,
    weights: &mut dyn WeightSource,
) -> Result<String, Error> {
    let (hidden, tokens) = (config.tower.hidden, config.tokens());
    let name = format!("{MODEL}.embeddings");
    let class = weights.read(&format!("{name}.class_embedding"), &[hidden])?;
    let mut table =
        weights.read(&format!("{name}.position_embedding.weight"), &[tokens, hidden])?;
    for (value, class) in table.iter_mut().zip(&class) {
        *value += class;
    }
    let pads = graph.integers(format!("{name}.pads"), vec![0, 1, 0, 0, 0, 0]);
    let mode: Vec<(&str, Attribute)> = Vec::new();
    let padded = graph.node("Pad", format!("{name}.padded"), &[patches, &pads], mode);
    let table = graph.floats(format!("{name}.table"), vec![tokens, hidden], table);
    Ok(graph.node("Add", name, &[&padded, &table], vec![]))
}
