#!/usr/bin/env bash
# From generated speech to a table of vocoders, with no download: the tour of the voc recipes, at 22,050 Hz.
#
# Usage: egs/mini/voc/run.sh [options]
#   --config "A.yaml B.yaml"  vocoders to train and compare    (melgan and parallel_wavegan of conf/)
#   --untrained "A.yaml"      rows that need no training    (Griffin-Lim and WORLD)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/melgan.yaml conf/parallel_wavegan.yaml"
untrained="conf/griffin_lim.yaml ../../../utils/conf/voc/world.yaml"
size=full
begin voc "$@"

corpus=$work_dir/data/$size
data=$work_dir/data/${size}_voc
experiments=$work_dir/exp/$size
declare -A counts=([train]=1200 [dev]=20 [test]=100)
if [ "$size" = tiny ]; then counts=([train]=12 [dev]=2 [test]=3); fi

prepare_data "$corpus" mini --size "$size" --rate 22050
if in_stages 1 "subsets"; then
  for set in train dev test; do
    once "$data/.done/$set" nrsr subset-data --random "${counts[$set]}" "$corpus/${set}_clean" "$data/$set"
  done
fi
voc_stages
