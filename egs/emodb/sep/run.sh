#!/usr/bin/env bash
# Separates two people who speak German sentences at once in real noise, at 16 or 8 kHz; sets have different speakers.
#
# Usage: egs/emodb/sep/run.sh [options]
#   --stage N --stop-stage N  0 corpus, 1 mixing, 4 training, 5 separation, 6 scoring and report
#   --corpus-dir DIR          EmoDB, the folder that holds wav/    (fetched by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --rate 16000|8000         samples a second of data and systems    (16000)
#   --config "A.yaml B.yaml"  systems to train and compare    (separation alone, unified: summed, modulated, remedied)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --size full|tiny          tiny: few mixtures, for testing the recipe, too few to learn from    (full)
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
#   --recogniser DIR          a trained experiment of an asr recipe: WER of each separated speaker in stage 6    (none)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/, exp/ and downloads/ go    (this recipe's folder)
#   --results FILE            the file whose tables are written anew    (exp/SIZE_RATE/RESULTS.md)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
corpus_dir=
noise_dir=
rate=16000
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
. ../../../utils/nonspeech.sh

case $rate in
  16000) end= ;;
  8000) end=_8k ;;
  *)
    echo "$0: --rate takes 16000 or 8000, not '$rate'" >&2
    exit 1 ;;
esac
if [ -n "$recogniser" ]; then recogniser=$(find_dir "$recogniser"); fi
case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
if [ -z "$config" ]; then
  config="conf/sep_2mix$end.yaml conf/unified_2mix$end.yaml conf/unified_2mix_gm$end.yaml conf/unified_2mix_gr$end.yaml"
fi
experiments=$work_dir/exp/${size}_$rate
results=${results:-$experiments/RESULTS.md}
baseline=unified_2mix$end
speakers=2
train_set=train
test_sets=test_seen,test_unseen
declare -A counts=([train]=1500 [dev]=150 [test_seen]=600 [test_unseen]=600)
if [ "$size" = tiny ]; then counts=([train]=16 [dev]=4 [test_seen]=4 [test_unseen]=4); fi

emodb_corpus() {
  if [ -z "$corpus_dir" ]; then
    corpus_dir=$work_dir/downloads/emodb
    fetch_zip http://emodb.bilderbar.info/download/download.zip "$corpus_dir" "$corpus_dir/wav"
  fi
  corpus_dir=$(find_dir "$corpus_dir")
  nonspeech
  nrsr doctor --quiet --recipe . --corpus-dir "$corpus_dir"
}

nrsr doctor --quiet
if [ "$stage" -le 0 ]; then emodb_corpus; fi

for fold in $folds; do
  corpus=$work_dir/data/${rate}_fold$fold
  data=$work_dir/data/${size}_${rate}_fold${fold}_2mix
  variant=_fold$fold
  if in_stages 0 "corpus to data directories (fold $fold)"; then
    once "$corpus/.done/prepare" nrsr prepare emodb --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" \
      --rate "$rate" --fold "$fold" --out "$corpus"
  fi
  if in_stages 1 "mixing (fold $fold)"; then mix_sets; fi
  sep_stages
done
