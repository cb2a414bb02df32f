#!/usr/bin/env bash
# Recognises real spoken digits in real noise by phones: GMMs, senone networks, and networks with adversarial heads.
#
# Usage: egs/fsdd/hybrid/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  networks to train and compare    (single, multitask, amtl and invariant of conf/)
#   --folds "0 1 2 3"         which kinds of noise are trained on, and which are unseen    (0)
#   --scales 0.1,0.2          acoustic scales to try on development data    (0.03 to 0.3)
#   --probe-layer N           hidden layer from which probes classify the noise    (3)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/single.yaml conf/multitask.yaml conf/amtl.yaml conf/invariant.yaml"
corpus_dir=
noise_dir=
folds=0
scales=0.03,0.05,0.1,0.15,0.2,0.3
probe_layer=3
size=full
begin hybrid "$@"
. ../../../utils/fsdd_corpus.sh

experiments=$work_dir/exp/$size
with_figure=true
lang=$work_dir/data/lang
grammar=(--loop) # any digits in a row, all equally probable

make_lang() {
  nrsr prepare-lang --lexicon conf/lexicon.txt "$lang"
}

fsdd_corpus
for fold in $folds; do
  data=$work_dir/data/${size}_fold$fold
  variant=_fold$fold
  fsdd_data "$data"
  if in_stages 1 "mixing (fold $fold)"; then mix_sets_with_clean; fi
  hybrid_stages
done
