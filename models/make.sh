#!/bin/sh
# Makes models/default, its thresholds in calibration/board and its demo again, from nothing but a
# seed: renders pairs, trains (about 75 minutes on two cores), imports, calibrates, quantizes.
# usage: models/make.sh WORK    a run that was stopped goes on with the same folder
set -eu
cd "$(dirname "$0")/.."
work=${1:?usage: models/make.sh WORK}
mkdir -p "$work"
work=$(cd "$work" && pwd)
cargo build --release --workspace
bin=${CARGO_TARGET_DIR:-target}/release
demo=models/default/demo
recipe=$demo/recipe.toml

# 1. Both towers, on rendered pairs of seed 1.
[ -d "$work/train/model" ] || "$bin/pairspec-finetune" train scratch models/default/train.toml --half -o "$work/train"

# 2. Pairs that training never saw: for thresholds, for int8 ranges, for the figures, for the demo.
render() {
    name=$1 && shift
    [ -d "$work/$name" ] || "$bin/pairspec-finetune" synth --kind board "$@" -o "$work/$name"
}
render thresholds --style binary --seed 2001 --pairs 400
render ranges --style binary,grey --seed 2002 --pairs 100
render unseen --style binary --seed 3001 --pairs 300
render unseen-grey --style grey --seed 3002 --pairs 100 --conforming-share 0.5
render demo --style binary --seed 4001 --pairs 120 --size 320 --most-faults 1

# 3. The bundle: matrices in fp16, then an int8 image tower held against them.
place() {
    for file in bundle.toml vision.onnx vision.int8.onnx text.onnx tokenizer.json preprocessor_config.json; do
        rm -f "models/default/$file"
        [ ! -e "$1/$file" ] || cp "$1/$file" models/default/
    done
}
rm -rf "$work/fp16" "$work/int8" models/default/clip
cp -r "$work/train/model" models/default/clip
"$bin/pairspec" model import "$work/train/model" --fp16 --name pairspec-default -o "$work/fp16"
place "$work/fp16"
"$bin/pairspec" specs embed $demo/specs.toml --model models/default -o $demo/specs.cache
"$bin/pairspec" calibrate "$work/thresholds/manifest.csv" --recipe $recipe > "$work/calibrate-fp16.txt"
"$bin/pairspec" quantize "$work/fp16" --images "$work/ranges/manifest.csv" --recipe $recipe -o "$work/int8"
"$bin/pairspec" model compare "$work/int8" "$work/thresholds/manifest.csv" --recipe $recipe
place "$work/int8"

# 4. Thresholds for what is shipped, and what they reach on pairs they were not fitted to.
"$bin/pairspec" calibrate "$work/thresholds/manifest.csv" --recipe $recipe > calibration/board/calibrate.txt
"$bin/pairspec" evaluate "$work/unseen/manifest.csv" --recipe $recipe > calibration/board/evaluate.txt
for set in unseen unseen-grey; do
    echo "== $set"
    "$bin/pairspec-finetune" evaluate models/default "$work/$set/manifest.csv"
done > models/default/evaluate.txt

# 5. The demo: the pairs named in its manifest.
mkdir -p $demo/frames
rm -f $demo/frames/*
for id in $(sed 1d $demo/manifest.csv | cut -d, -f1); do
    cp "$work/demo/frames/${id}_ref.png" "$work/demo/frames/${id}_test.png" $demo/frames/
done
"$bin/pairspec" demo --out "$work/reports"
