#!/usr/bin/env bash
# From generated speech and noise to a WER table, with no download: the tour of nrsr, about ten minutes on two cores.
#
# Usage: egs/mini/asr/run.sh [options]
#   --config "A.yaml B.yaml"  systems to train and compare        (conf/no_se.yaml conf/mtl.yaml)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/no_se.yaml conf/mtl.yaml"
size=full
begin asr "$@"

data=$work_dir/data/$size
experiments=$work_dir/exp/$size
with_figure=true

prepare_data "$data" mini --size "$size"
if in_stages 1 "mixing"; then mix_sets; fi
asr_stages
