#!/usr/bin/env bash
# Separates two people who speak German sentences at once in real noise, at 16 or 8 kHz; sets have different speakers.
#
# Usage: egs/emodb/sep/run.sh [options]
#   --corpus-dir DIR          EmoDB, the folder that holds wav/    (fetched by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --rate 16000|8000         samples a second of data and systems    (16000)
#   --config "A.yaml B.yaml"  systems to train and compare    (separation alone, unified: summed, modulated, remedied)
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --size full|tiny          tiny: few mixtures, for testing the recipe, too few to learn from    (full)
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
#   --recogniser DIR          a trained experiment of an asr recipe: WER of each separated speaker in stage 6    (none)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
rate=16000
folds=0
size=full
device=cpu
recogniser=
begin sep "$@"
. ../../../utils/nonspeech.sh

case $rate in
  16000) end= ;;
  8000) end=_8k ;;
  *)
    echo "$0: --rate takes 16000 or 8000, not '$rate'" >&2
    exit 1 ;;
esac
if [ -z "$config" ]; then
  config="conf/sep_2mix$end.yaml conf/unified_2mix$end.yaml conf/unified_2mix_gm$end.yaml conf/unified_2mix_gr$end.yaml"
fi
experiments=$work_dir/exp/${size}_$rate
baseline=unified_2mix$end
speakers=2

emodb_corpus() {
  if [ "$stage" -gt 0 ]; then return; fi
  if [ -z "$corpus_dir" ]; then
    corpus_dir=$work_dir/downloads/emodb
    fetch --corpus-dir "$corpus_dir/wav" unzip_url http://emodb.bilderbar.info/download/download.zip wav
  fi
  given_corpus
  nonspeech
}

emodb_corpus
for fold in $folds; do
  corpus=$work_dir/data/${rate}_fold$fold
  data=$work_dir/data/${size}_${rate}_fold${fold}_2mix
  variant=_fold$fold
  prepare_data "$corpus" emodb --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" --rate "$rate" --fold "$fold"
  if in_stages 1 "mixing (fold $fold)"; then mix_sets; fi
  sep_stages
done
