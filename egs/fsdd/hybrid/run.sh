#!/usr/bin/env bash
# Recognises real spoken digits in real noise by phones: GMMs, senone networks, and networks with adversarial heads.
#
# Usage: egs/fsdd/hybrid/run.sh [options]
#   --stage N --stop-stage N  0 corpus, 1 mixing, 2 features, 3 lexicon, GMMs and alignments, 4 training, 5 decoding,
#                             6 scoring, probes and report
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  networks to train and compare    (single, multitask, amtl and invariant of conf/)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --folds "0 1 2 3"         which kinds of noise are trained on, and which are unseen    (0)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --scales 0.1,0.2          acoustic scales to try on development data    (0.03 to 0.3)
#   --probe-layer N           hidden layer from which probes classify the noise    (3)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/, exp/ and downloads/ go    (this recipe's folder)
#   --results FILE            the file whose tables are written anew    (exp/SIZE/RESULTS.md)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
corpus_dir=
noise_dir=
config="conf/single.yaml conf/multitask.yaml conf/amtl.yaml conf/invariant.yaml"
seeds=1
folds=0
tag=
scales=0.03,0.05,0.1,0.15,0.2,0.3
probe_layer=3
size=full
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh
. ../../../utils/fsdd_corpus.sh

case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
experiments=$work_dir/exp/$size
results=${results:-$experiments/RESULTS.md}
figure=${results%.md}_snr.png
test_sets=test_clean,test_seen,test_unseen
probe_sets=test_seen,test_unseen
if [ "$size" = tiny ]; then probe_sets=; fi # too few utterances of each kind of noise
cmvn_by=utterance
lang=$work_dir/data/lang
grammar=(--loop) # any digits in a row, all equally probable
. ../../../utils/hybrid_stages.sh

make_lang() {
  nrsr prepare-lang --lexicon conf/lexicon.txt "$lang"
}

mix() { # SPEECH NOISE OUT
  once "$data/.done/$3" nrsr mix --speech "$data/$1" --noise "$data/$2" --snr=-5,0,5,10,15 --active --out "$data/$3"
}

nrsr doctor --quiet
if [ "$stage" -le 0 ]; then fsdd_corpus; fi

for fold in $folds; do
  data=$work_dir/data/${size}_fold$fold
  variant=_fold$fold
  if in_stages 0 "corpus to data directories (fold $fold)"; then
    once "$data/.done/prepare" nrsr prepare fsdd --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" \
      --fold "$fold" --size "$size" --out "$data"
  fi
  if in_stages 1 "mixing (fold $fold)"; then
    mix train_clean noise_train train_noisy
    mix dev_clean noise_dev dev_noisy
    mix test_clean noise_seen test_seen
    mix test_clean noise_unseen test_unseen
    once "$data/.done/train" with_clean "$data/train_clean" "$data/train_noisy" "$data/train"
    once "$data/.done/dev" with_clean "$data/dev_clean" "$data/dev_noisy" "$data/dev"
  fi
  hybrid_stages
done
