#!/usr/bin/env bash
# Recognises real spoken digits in real noise; nrsr's claims about recognition are measured here.
#
# Usage: egs/fsdd/asr/run.sh [options]
#   --stage N --stop-stage N  0 corpus, 1 mixing, 2 statistics, 3 units, 4 training, 5 decoding, 6 scoring and report
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  systems to train and compare    (no_se, mtl, pcgrad, gr and gm of conf/); *_fly.yaml draw
#                             the noise of a training string anew in each epoch
#   --frontends "A.yaml"      front-ends to train by themselves, before the systems that start from them; for training in
#                             two stages: --frontends conf/frontend.yaml --config "conf/frozen.yaml conf/two_stage.yaml"
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --speeds 0.9,1.0,1.1      train on the mixtures at these speeds; give a --tag with it    (as recorded)
#   --tag NAME                added to the experiments' names, to keep variants apart
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
config="conf/no_se.yaml conf/mtl.yaml conf/pcgrad.yaml conf/gr.yaml conf/gm.yaml"
frontends=
seeds=1
folds=0
speeds=
tag=
size=full
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh
. ../../../utils/asr_stages.sh
. ../../../utils/fsdd_corpus.sh

case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
experiments=$work_dir/exp/$size
results=${results:-$experiments/RESULTS.md}
figure=${results%.md}_snr.png
test_sets=test_clean,test_seen,test_unseen
train_set=train${speeds:+_$speeds}

mix() { # SPEECH NOISE OUT
  once "$data/.done/$3" nrsr mix --speech "$data/$1" --noise "$data/$2" --snr=-5,0,5,10,15 --active --out "$data/$3"
}

# Training in two stages: each system starts from the one before it, of the same fold and seed.
train_options() { # CONFIG SEED
  local ending=${tag:+-$tag}${variant}_seed$2
  case $(basename "$1" .yaml) in
    frozen) echo "--set=init.frontend.from=$experiments/frontend$ending" ;;
    two_stage) echo "--set=init.all.from=$experiments/frozen$ending" ;;
  esac
}

train_frontends() {
  local config=$frontends
  if in_stages 2 "statistics of front-ends"; then for_each statistics; fi
  if in_stages 4 "training of front-ends"; then for_each train; fi
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
    mix train_clean noise_train train
    mix dev_clean noise_dev dev
    mix test_clean noise_seen test_seen
    mix test_clean noise_unseen test_unseen
    if [ -n "$speeds" ]; then
      once "$data/.done/$train_set" nrsr perturb-speed --speeds "$speeds" "$data/train" "$data/$train_set"
    fi
  fi
  if [ -n "$frontends" ]; then train_frontends; fi
  asr_stages
done
