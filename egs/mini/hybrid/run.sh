#!/usr/bin/env bash
# From generated speech and noise to phones, triphones and noise-invariant senone networks, with no download.
#
# Usage: egs/mini/hybrid/run.sh [options]
#   --config "A.yaml B.yaml"  networks to train and compare    (single, multitask, amtl and invariant of conf/)
#   --scales 0.1,0.2          acoustic scales to try on development data    (0.03 to 0.3)
#   --probe-layer N           hidden layer from which probes classify the noise    (2)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/single.yaml conf/multitask.yaml conf/amtl.yaml conf/invariant.yaml"
scales=0.03,0.05,0.1,0.15,0.2,0.3
probe_layer=2
size=full
begin hybrid "$@"

data=$work_dir/data/$size
experiments=$work_dir/exp/$size
with_figure=true
frame_accuracy=true
lang=$data/lang
grammar=(--arpa "$data/3gram.arpa")

# There is no lexicon: espeak-ng, which speaks the corpus, pronounces its words as well.
make_lang() {
  nrsr prepare-lang --text "$data/train_clean/text" --text "$data/dev_clean/text" --guess "$lang"
  nrsr make-lm --order 3 "$data/train_clean/text" "$data/3gram.arpa"
}

prepare_data "$data" mini --size "$size"
if in_stages 1 "mixing"; then mix_sets_with_clean; fi
hybrid_stages
