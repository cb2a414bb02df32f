#!/usr/bin/env bash
# Separates two or three people who speak digits at once in real noise; nrsr's claims about separation are measured here.
#
# Usage: egs/fsdd/sep/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --speakers 2|3            in each mixture    (2)
#   --config "A.yaml B.yaml"  systems to train and compare    (separation alone, unified: summed, modulated, remedied)
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
#   --recogniser DIR          a trained experiment of an asr recipe: WER of each separated speaker in stage 6    (none)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
speakers=2
folds=0
size=full
device=cpu
recogniser=
begin sep "$@"
. ../../../utils/fsdd_corpus.sh

if [ -z "$config" ]; then
  config="conf/sep_${speakers}mix.yaml conf/unified_${speakers}mix.yaml"
  config+=" conf/unified_${speakers}mix_gm.yaml conf/unified_${speakers}mix_gr.yaml"
fi
experiments=$work_dir/exp/${size}_${speakers}mix
baseline=unified_${speakers}mix

fsdd_corpus
for fold in $folds; do
  corpus=$work_dir/data/${size}_fold$fold
  data=$work_dir/data/${size}_fold${fold}_${speakers}mix
  variant=_fold$fold
  fsdd_data "$corpus"
  if in_stages 1 "mixing (fold $fold)"; then mix_sets; fi
  sep_stages
done
