#!/bin/sh
# Tunes the default model on four groups of DeepPCB and judges it once on the three others.
# usage: models/deeppcb.sh DATA WORK    DATA: a folder with manifest.csv and tiles_224.csv
#        FOLDS=1 models/deeppcb.sh ...  also leaves each of the four groups out once, four more runs
set -eu
cd "$(dirname "$0")/.."
data=$(cd "${1:?usage: models/deeppcb.sh DATA WORK}" && pwd)
mkdir -p "${2:?usage: models/deeppcb.sh DATA WORK}"
work=$(cd "$2" && pwd)
cargo build --release --workspace
bin=${CARGO_TARGET_DIR:-target}/release
unseen=group13000,group77000,group50600
seen=$(sed 1d "$data/manifest.csv" | cut -d, -f3 | sort -u | grep -v -x -F "$(echo $unseen | tr , '\n')" | paste -sd, -)

# tune NAME GROUPS: a bundle in WORK/NAME, with a recipe of its own that nothing is calibrated for yet. Etched
# boards are the same any way up, so that four views of each crop are averaged.
tune() {
    "$bin/pairspec-finetune" train tune models/default/clip "$data/manifest.csv" --groups "$2" --symmetry all \
        --steps "${STEPS:-3000}" --peak "${PEAK:-2e-4}" --average "${AVERAGE:-0.5}" --batch 32 --micro 64 \
        --split crops -o "$work/$1"
    rm -rf "$work/$1/bundle"
    "$bin/pairspec" model import "$work/$1/model" -o "$work/$1/bundle"
    for file in recipe.toml specs.toml; do cp models/default/demo/$file "$work/$1/"; done
    sed -i 's#^bundle = .*#bundle = "bundle"#; s#^thresholds = .*#thresholds = "thresholds.toml"#' "$work/$1/recipe.toml"
    sed -i "s#^crop_px = .*#&\nviews = ${VIEWS:-4}#" "$work/$1/recipe.toml"
    "$bin/pairspec" specs embed "$work/$1/specs.toml" --model "$work/$1/bundle" -o "$work/$1/specs.cache"
}

# judge NAME CALIBRATED JUDGED: thresholds from one set of groups, figures of the other. Nearly every region
# of these pairs has a fault, so that limits are set by how well faults are found and named.
judge() {
    "$bin/pairspec" calibrate "$data/manifest.csv" --groups "$2" --recipe "$work/$1/recipe.toml" --best-f \
        > "$work/$1/calibrate.txt"
    "$bin/pairspec" evaluate "$data/manifest.csv" --groups "$3" --tiles "$data/tiles_224.csv" \
        --recipe "$work/$1/recipe.toml" > "$work/$1/evaluate.txt"
    echo "== $1: tuned on $2, judged on $3"
    sed -n '/^all together/,$p' "$work/$1/evaluate.txt"
}

if [ -n "${FOLDS:-}" ]; then
    for left_out in $(echo "$seen" | tr , ' '); do
        others=$(echo "$seen" | tr , '\n' | grep -v -x "$left_out" | paste -sd, -)
        tune "without-$left_out" "$others"
        judge "without-$left_out" "$others" "$left_out"
    done
fi
tune tuned "$seen"
judge tuned "$seen" "$unseen"
