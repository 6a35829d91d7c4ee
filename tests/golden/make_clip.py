"""Makes tests/golden/clip: tiny CLIP models of many configurations, and their embeddings by transformers.

Needs torch, transformers, safetensors and onnx (made with torch 2.15.0, transformers 5.23.0,
safetensors 0.8.0, onnx 1.23.2):

    python tests/golden/make_clip.py

Each folder is what `save_pretrained` writes, with an expected.json:

    images  seeds of pixel tensors, see pixels(); image_embeds, one row each
    texts   lists of token ids; text_embeds, one row each, computed with the text padded to the
            context length, so that cutting sequences behind their end token is shown to be exact

All arithmetic is PyTorch's in fp32 on one thread; weights are random, biases and norms too, so that
none can be left out unnoticed.
"""

import json
import pathlib
import shutil
import warnings

import onnx
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

FOLDER = pathlib.Path(__file__).parent / "clip"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
START, END = 52, 53
CONTEXT = 12
TEXTS = [
    [START, END],
    [START, 3, 1, 4, 26 + 1, 5, END],
    [START, 9, 26 + 2, 6, 26 + 5, 3, 5, 8, 26 + 9, 7, 9, END],
    [START, 26 + 3, END],
]
SEEDS = [1, 2, 3]


def pixels(seed, size):
    """[1, 3, size, size] in [-2, 2): a formula that every language computes alike."""
    count = 3 * size * size
    values = (torch.arange(count, dtype=torch.int64) * 7919 + seed * 104729) % 10007
    return (values.to(torch.float64) / 10007 * 4 - 2).to(torch.float32).reshape(1, 3, size, size)


def vision(**changes):
    base = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2)
    return dict(base, image_size=16, patch_size=4, projection_dim=8, **changes)


def text(**changes):
    base = dict(hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3)
    ids = dict(vocab_size=54, bos_token_id=START, eos_token_id=END, pad_token_id=END)
    return dict(base, max_position_embeddings=CONTEXT, projection_dim=8, **(ids | changes))


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            noise = torch.randn(tensor.shape, generator=generator)
            if "norm" in name and name.endswith("weight"):
                tensor.copy_(1 + 0.3 * noise)
            elif tensor.dim() >= 2 and "position" not in name and "token" not in name:
                fan_in = tensor[0].numel()
                tensor.copy_(noise * 1.5 / fan_in**0.5)
            elif tensor.dim() >= 1:
                tensor.copy_(0.5 * noise)
    return model.eval()


def tokenizer_files(folder, as_json):
    """Single letters, inside a word and at its end."""
    names = list(LETTERS) + [letter + "</w>" for letter in LETTERS]
    vocab = {name: index for index, name in enumerate(names + ["<|startoftext|>", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    if as_json:
        from transformers import CLIPTokenizerFast

        CLIPTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
        for name in ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"]:
            (folder / name).unlink(missing_ok=True)


def preprocessor_file(folder, size):
    config = {
        "crop_size": size, "do_center_crop": True, "do_normalize": True, "do_rescale": True,
        "do_resize": True, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.25, 0.2, 0.3],
        "image_processor_type": "CLIPImageProcessor", "resample": 3, "rescale_factor": 1 / 255,
        "size": {"shortest_edge": size},
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(config))


def embeddings(model, config_size):
    """What the model gives for the seeds and the texts, for the towers it has."""
    expected = {}
    with torch.inference_mode():
        if hasattr(model, "visual_projection"):
            expected["images"] = SEEDS
            expected["image_embeds"] = [image_embedding(model, pixels(s, config_size)) for s in SEEDS]
        if hasattr(model, "text_projection"):
            expected["texts"] = TEXTS
            expected["text_embeds"] = [text_embedding(model, ids) for ids in TEXTS]
    return expected


def image_embedding(model, values):
    if isinstance(model, CLIPModel):
        return model.get_image_features(pixel_values=values).pooler_output[0].tolist()
    return model(pixel_values=values).image_embeds[0].tolist()


def text_embedding(model, ids):
    padded = torch.tensor([ids + [END] * (CONTEXT - len(ids))])
    if isinstance(model, CLIPModel):
        return model.get_text_features(input_ids=padded).pooler_output[0].tolist()
    return model(input_ids=padded).text_embeds[0].tolist()


def write(name, model, dtype=torch.float32, tokenizer_json=False, shard=None):
    """Saves a model in `dtype` and what the saved weights give in fp32."""
    folder = FOLDER / name
    folder.mkdir(parents=True)
    model.to(dtype).save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    model = type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    config = getattr(model.config, "vision_config", model.config)
    size = getattr(config, "image_size", None)
    if hasattr(model, "visual_projection"):
        preprocessor_file(folder, size)
    if hasattr(model, "text_projection"):
        tokenizer_files(folder, tokenizer_json)
    expected = embeddings(model, size)
    expected["image_size"] = size
    (folder / "expected.json").write_text(json.dumps(expected))
    return folder, model


def both(seed, vision_config, text_config, **changes):
    config = CLIPConfig(vision_config=vision_config, text_config=text_config, projection_dim=8, **changes)
    model = randomise(CLIPModel(config), seed)
    with torch.no_grad():
        model.logit_scale.fill_(3.25)
    return model


def edit_config(folder, change):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def legacy_config(config):
    """As OpenAI's early exports: sizes in *_config_dict, which win over *_config."""
    for tower in ["vision", "text"]:
        config[f"{tower}_config_dict"] = dict(config[f"{tower}_config"])
        config[f"{tower}_config"] = {"hidden_size": 999, "eos_token_id": 7, "layer_norm_eps": 0.5}
    config["pairspec"] = {"no_change_logit": 0.75, "license": "CC0-1.0", "training_vocabulary": ["short", "open"]}


class ImageTower(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        output = self.model(pixel_values=pixel_values)
        return output.image_embeds, output.last_hidden_state


class TextTower(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask=None):
        output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        return output.text_embeds, output.last_hidden_state


def export_images(model, path, opset):
    names = dict(input_names=["pixel_values"], output_names=["image_embeds", "last_hidden_state"])
    free = {"pixel_values": {0: "batch_size", 1: "num_channels", 2: "height", 3: "width"},
            "image_embeds": {0: "batch_size"}, "last_hidden_state": {0: "batch_size"}}  # fmt: skip
    size = model.config.image_size
    torch.onnx.export(ImageTower(model), (pixels(1, size).repeat(2, 1, 1, 1),), path, opset_version=opset,
                      dynamic_axes=free, dynamo=False, **names)  # fmt: skip


def export_texts(model, path, opset, mask):
    inputs = ["input_ids", "attention_mask"][: 2 if mask else 1]
    free = {name: {0: "batch_size", 1: "sequence_length"} for name in [*inputs, "last_hidden_state"]}
    free["text_embeds"] = {0: "batch_size"}
    ids = torch.tensor([TEXTS[1], TEXTS[1]])
    values = (ids, torch.ones_like(ids))[: len(inputs)]
    torch.onnx.export(TextTower(model), values, path, opset_version=opset, input_names=inputs,
                      output_names=["text_embeds", "last_hidden_state"], dynamic_axes=free, dynamo=False)  # fmt: skip


def without_origin(path):
    """Exporters note source lines of the machine they ran on in every node.

    Inferred shapes are added: many published files have them, in terms of the exporter's symbols.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    return model


def ready(name, layout, opset, external):
    """An export as Optimum (flat) or transformers.js (an onnx folder) lays it out."""
    folder = FOLDER / name
    inside = folder / layout
    inside.mkdir(parents=True)
    vision_config, text_config = vision(), text(hidden_act="gelu")
    image_model = randomise(CLIPVisionModelWithProjection(CLIPVisionConfig(**vision_config)), 21)
    text_model = randomise(CLIPTextModelWithProjection(CLIPTextConfig(**text_config)), 22)
    for model in [image_model, text_model]:
        model.set_attn_implementation("eager")
    export_images(image_model, inside / "vision_model.onnx", opset)
    export_texts(text_model, inside / "text_model.onnx", opset, mask=external)
    for tower in ["vision_model", "text_model"]:
        path = inside / f"{tower}.onnx"
        options = dict(save_as_external_data=True, location=f"{tower}.onnx_data", size_threshold=64)
        model = without_origin(path)
        path.unlink()
        onnx.save(model, path, **(options if external else {}))
    CLIPConfig(vision_config=vision_config, text_config=text_config, projection_dim=8).save_pretrained(folder)
    preprocessor_file(folder, 16)
    tokenizer_files(folder, False)
    expected = embeddings(image_model, 16) | embeddings(text_model, None) | {"image_size": 16}
    (folder / "expected.json").write_text(json.dumps(expected))


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    shutil.rmtree(FOLDER, ignore_errors=True)

    write("quick_gelu", both(1, vision(layer_norm_eps=1e-6), text(layer_norm_eps=1e-2)))

    odd = vision(hidden_act="gelu") | dict(image_size=31, patch_size=7, num_attention_heads=4)
    folder, _ = write("legacy_fp16", both(2, odd, text(eos_token_id=2, hidden_act="gelu")), torch.float16, True)
    edit_config(folder, legacy_config)
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    expected = json.loads((folder / "expected.json").read_text())
    assert embeddings(model, 31)["text_embeds"] == expected["text_embeds"], "the edited file is another model"

    tanh = dict(hidden_act="gelu_pytorch_tanh")
    write("sharded_bf16", both(3, vision(**tanh), text(**tanh)), torch.bfloat16, shard="6KB")

    config = CLIPVisionConfig(**(vision(hidden_act="gelu", layer_norm_eps=1e-3) | dict(image_size=20, patch_size=5)))
    write("vision_only", randomise(CLIPVisionModelWithProjection(config), 4))

    config = CLIPTextConfig(**(text() | dict(num_hidden_layers=3, num_attention_heads=1)))
    write("text_only", randomise(CLIPTextModelWithProjection(config), 5))

    # A full configuration whose weights lack the text tower, with an extra tensor of this project.
    folder, _ = write("no_text_tower", both(6, vision() | dict(num_hidden_layers=1), text() | dict(num_hidden_layers=1)))
    weights = load_file(folder / "model.safetensors")
    weights = {name: value for name, value in weights.items() if not name.startswith("text_")}
    weights["pairspec.no_change_logit"] = torch.tensor([0.5])
    save_file(weights, folder / "model.safetensors")
    for name in ["vocab.json", "merges.txt"]:
        (folder / name).unlink()
    path = folder / "expected.json"
    expected = json.loads(path.read_text())
    del expected["texts"], expected["text_embeds"]
    path.write_text(json.dumps(expected))

    ready("ready_optimum_external", "", 17, True)
    ready("ready_transformersjs_14", "onnx", 14, False)


if __name__ == "__main__":
    main()
