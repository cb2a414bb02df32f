#!/usr/bin/env bash
# From generated speech and noise to a table of separation, with no download: the tour of the sep recipes.
#
# Usage: egs/mini/sep/run.sh [options]
#   --config "A.yaml B.yaml"  systems to train and compare    (separation alone, and unified with modulated gradients)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#   --recogniser DIR          a trained experiment of an asr recipe: WER of each separated speaker in stage 6    (none)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/sep_2mix.yaml conf/unified_2mix_gm.yaml"
size=full
recogniser=
begin sep "$@"

corpus=$work_dir/data/$size
data=$work_dir/data/${size}_2mix
experiments=$work_dir/exp/$size
baseline=sep_2mix
speakers=2
if [ "$size" = full ]; then counts=([train]=600 [dev]=60 [test_seen]=100 [test_unseen]=100); fi

prepare_data "$corpus" mini --size "$size"
if in_stages 1 "mixing"; then mix_sets; fi
sep_stages
