#!/usr/bin/env bash
# From generated speech and noise to a WER table, with no download: the tour of nrsr, about ten minutes on two cores.
#
# Usage: egs/mini/asr/run.sh [options]
#   --stage N --stop-stage N  0 corpus, 1 mixing, 2 statistics, 3 units, 4 training, 5 decoding, 6 scoring and report
#   --config "A.yaml B.yaml"  systems to train and compare        (conf/no_se.yaml conf/mtl.yaml)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/ and exp/ go    (this recipe's folder)
#   --results FILE            where the table goes as well    (exp/RESULTS.md in the work dir)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
config="conf/no_se.yaml conf/mtl.yaml"
seeds=1
tag=
size=full
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh
. ../../../utils/asr_stages.sh

case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
data=$work_dir/data/$size
experiments=$work_dir/exp/$size
variant=
test_sets=test_clean,test_seen,test_unseen
train_set=train
results=${results:-$experiments/RESULTS.md}
figure=${results%.md}_snr.png

nrsr doctor --quiet --recipe .

mix() { # SPEECH NOISE OUT
  once "$data/.done/$3" nrsr mix --speech "$data/$1" --noise "$data/$2" --snr=-5,0,5,10,15 --active --out "$data/$3"
}

if in_stages 0 "corpus to data directories"; then
  once "$data/.done/prepare" nrsr prepare mini --size "$size" --out "$data"
fi
if in_stages 1 "mixing"; then
  mix train_clean noise_train train
  mix dev_clean noise_dev dev
  mix test_clean noise_seen test_seen
  mix test_clean noise_unseen test_unseen
fi
asr_stages
