#!/usr/bin/env bash
# Separates two or three people who speak digits at once in real noise; nrsr's claims about separation are measured here.
#
# Usage: egs/fsdd/sep/run.sh [options]
#   --stage N --stop-stage N  0 corpus, 1 mixing, 4 training, 5 separation, 6 scoring and report
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --speakers 2|3            in each mixture    (2)
#   --config "A.yaml B.yaml"  systems to train and compare    (separation alone, unified: summed, modulated, remedied)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
#   --recogniser DIR          a trained experiment of an asr recipe: WER of each separated speaker in stage 6    (none)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/, exp/ and downloads/ go    (this recipe's folder)
#   --results FILE            the file whose tables are written anew    (exp/SIZE_Nmix/RESULTS.md)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
corpus_dir=
noise_dir=
speakers=2
config=
seeds=1
folds=0
tag=
size=full
device=cpu
recogniser=
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh
. ../../../utils/sep_stages.sh
. ../../../utils/fsdd_corpus.sh

if [ -n "$recogniser" ]; then recogniser=$(find_dir "$recogniser"); fi
case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
if [ -z "$config" ]; then
  config="conf/sep_${speakers}mix.yaml conf/unified_${speakers}mix.yaml"
  config+=" conf/unified_${speakers}mix_gm.yaml conf/unified_${speakers}mix_gr.yaml"
fi
experiments=$work_dir/exp/${size}_${speakers}mix
results=${results:-$experiments/RESULTS.md}
baseline=unified_${speakers}mix
train_set=train
test_sets=test_seen,test_unseen
declare -A counts=([train]=1500 [dev]=150 [test_seen]=600 [test_unseen]=600)
if [ "$size" = tiny ]; then counts=([train]=16 [dev]=4 [test_seen]=4 [test_unseen]=4); fi

nrsr doctor --quiet
if [ "$stage" -le 0 ]; then fsdd_corpus; fi

for fold in $folds; do
  corpus=$work_dir/data/${size}_fold$fold
  data=$work_dir/data/${size}_fold${fold}_${speakers}mix
  variant=_fold$fold
  if in_stages 0 "corpus to data directories (fold $fold)"; then
    once "$corpus/.done/prepare" nrsr prepare fsdd --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" \
      --fold "$fold" --size "$size" --out "$corpus"
  fi
  if in_stages 1 "mixing (fold $fold)"; then mix_sets; fi
  sep_stages
done
