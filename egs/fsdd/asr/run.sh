#!/usr/bin/env bash
# Recognises real spoken digits in real noise; nrsr's claims about recognition are measured here.
#
# Usage: egs/fsdd/asr/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  systems to train and compare    (no_se, mtl, pcgrad, gr and gm of conf/); *_fly.yaml draw
#                             the noise of a training string anew in each epoch
#   --frontends "A.yaml"      front-ends to train by themselves, before the systems that start from them; for training in
#                             two stages: --frontends conf/frontend.yaml --config "conf/frozen.yaml conf/two_stage.yaml";
#                             for SEGAN: --frontends ../enh/conf/segan.yaml --config "conf/segan_frozen.yaml"
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --speeds 0.9,1.0,1.1      train on the mixtures at these speeds; give a --tag with it    (as recorded)
#   --train-data NAME         train on this directory of the data folder; give a --tag with it    (train, or --speeds)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/no_se.yaml conf/mtl.yaml conf/pcgrad.yaml conf/gr.yaml conf/gm.yaml"
frontends=
corpus_dir=
noise_dir=
folds=0
speeds=
train_data=
size=full
begin asr "$@"
. ../../../utils/fsdd_corpus.sh

experiments=$work_dir/exp/$size
with_figure=true
train_set=${train_data:-train${speeds:+_$speeds}}

# Training in two stages: each system starts from the one before it, of the same fold and seed.
train_options() { # CONFIG SEED
  local ending=${tag:+-$tag}${variant}_seed$2
  case $(basename "$1" .yaml) in
    frozen) echo "--set=init.frontend.from=$experiments/frontend$ending" ;;
    segan_frozen|segan_joint) echo "--set=init.frontend.from=$experiments/segan$ending" ;;
    two_stage) echo "--set=init.all.from=$experiments/frozen$ending" ;;
  esac
}

train_frontends() {
  local config=$frontends
  if in_stages 2 "statistics of front-ends"; then for_each statistics; fi
  if in_stages 4 "training of front-ends"; then for_each train; fi
}

fsdd_corpus
for fold in $folds; do
  data=$work_dir/data/${size}_fold$fold
  variant=_fold$fold
  fsdd_data "$data"
  if in_stages 1 "mixing (fold $fold)"; then
    mix_sets
    if [ -n "$speeds" ]; then
      once "$data/.done/train_$speeds" nrsr perturb-speed --speeds "$speeds" "$data/train" "$data/train_$speeds"
    fi
  fi
  if [ -n "$frontends" ]; then train_frontends; fi
  asr_stages
done
