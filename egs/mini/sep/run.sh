#!/usr/bin/env bash
# From generated speech and noise to a table of separation, with no download: the tour of the sep recipes.
#
# Usage: egs/mini/sep/run.sh [options]
#   --stage N --stop-stage N  0 corpus, 1 mixing, 4 training, 5 separation, 6 scoring and report
#   --config "A.yaml B.yaml"  systems to train and compare    (separation alone, and unified with modulated gradients)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#   --recogniser DIR          a trained experiment of an asr recipe: WER of each separated speaker in stage 6    (none)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/ and exp/ go    (this recipe's folder)
#   --results FILE            where the table goes as well    (exp/SIZE/RESULTS.md in the work dir)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
config="conf/sep_2mix.yaml conf/unified_2mix_gm.yaml"
seeds=1
tag=
size=full
recogniser=
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh
. ../../../utils/sep_stages.sh

if [ -n "$recogniser" ]; then recogniser=$(find_dir "$recogniser"); fi
case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
corpus=$work_dir/data/$size
data=$work_dir/data/${size}_2mix
experiments=$work_dir/exp/$size
results=${results:-$experiments/RESULTS.md}
baseline=sep_2mix
device=cpu
variant=
speakers=2
train_set=train
test_sets=test_seen,test_unseen
declare -A counts=([train]=600 [dev]=60 [test_seen]=100 [test_unseen]=100)
if [ "$size" = tiny ]; then counts=([train]=16 [dev]=4 [test_seen]=4 [test_unseen]=4); fi

nrsr doctor --quiet --recipe .
if in_stages 0 "corpus to data directories"; then
  once "$corpus/.done/prepare" nrsr prepare mini --size "$size" --out "$corpus"
fi
if in_stages 1 "mixing"; then mix_sets; fi
sep_stages
