#!/usr/bin/env bash
# Recognises real spoken digits in real noise; nrsr's claims about recognition are measured here.
#
# Usage: egs/fsdd/asr/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  systems to train and compare    (no_se, mtl, pcgrad, gr and gm of conf/); those of conf/fly/
#                             and *_fly.yaml draw the noise of a training string anew in each epoch
#   --frontends "A.yaml"      front-ends to train by themselves, before the systems that start from them; for training in
#                             two stages: --frontends conf/frontend.yaml --config "conf/frozen.yaml conf/two_stage.yaml";
#                             for SEGAN: --frontends ../enh/conf/segan.yaml --config "conf/segan_frozen.yaml"
#   --recognisers "A.yaml"    recognisers to train by themselves, likewise: --frontends conf/fly/frontend.yaml
#                             --recognisers conf/fly/recogniser_clean.yaml --config "conf/fly/joint_clean_gr.yaml";
#                             recogniser_clean is trained on clean speech
#   --ssl DIR                 experiment of a small encoder for conf/ssl.yaml, as exp/masked/masked_fold0 of ravdess/ser
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --speeds 0.9,1.0,1.1      train on the mixtures at these speeds; give a --tag with it    (as recorded)
#   --train-data NAME         train on this directory of the data folder; give a --tag with it    (train, or --speeds)
#   --train-share SHARE       train on this share of each speaker's strings, as 0.1; give a --tag with it    (1)
#   --noise-sets fold|held_out  kinds of noise in the development data: those that are trained on, or others; experiments
#                             and results of held_out have a folder of their own    (fold)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/no_se.yaml conf/mtl.yaml conf/pcgrad.yaml conf/gr.yaml conf/gm.yaml"
frontends=
recognisers=
ssl=
corpus_dir=
noise_dir=
folds=0
speeds=
train_data=
train_share=1
noise_sets="fold"
size=full
begin asr "$@"
. ../../../utils/fsdd_corpus.sh

check_noise_sets fold held_out
check_configs frontends "$frontends"
check_configs recognisers "$recognisers"
if [[ ! $train_share =~ ^(1|0?\.[0-9]*[1-9][0-9]*)$ ]]; then
  echo "$0: --train-share takes a number above 0 and at most 1, as 0.1, not '$train_share'" >&2
  exit 1
fi
experiments=$work_dir/exp/$(with_noise_sets "$size")
with_figure=true
whole_set=${train_data:-train${speeds:+_$speeds}}
train_set=$whole_set
if [ "$train_share" != 1 ]; then train_set=${whole_set}_share$train_share; fi

if [[ $config == *ssl.yaml* ]]; then
  [ -n "$ssl" ] && [ -e "$(absolute "$ssl")" ] || {
    echo "$0: --ssl $ssl: no such experiment; give one with an encoder of the sizes of conf/ssl.yaml" >&2
    exit 1
  }
  ssl=$(absolute "$ssl")
fi

# Training in two stages: each system starts from the one before it, of the same fold and seed.
train_options() { # CONFIG SEED
  local ending=${tag:+-$tag}${variant}_seed$2
  case $(basename "$1" .yaml) in
    frozen) echo "--set=init.frontend.from=$experiments/frontend$ending" ;;
    segan_frozen|segan_joint) echo "--set=init.frontend.from=$experiments/segan$ending" ;;
    ssl) echo "--set=init.features.network.from=$ssl" ;;
    two_stage) echo "--set=init.all.from=$experiments/frozen$ending" ;;
    joint_clean*|joint_noisy*) start_jointly "$(basename "$1" .yaml)" "$ending" ;;
  esac
}

start_jointly() { # NAME ENDING
  local recogniser=${1#joint_}
  recogniser=$experiments/recogniser_${recogniser%%_*}$2
  printf '%s\n' "--set=init.frontend.from=$experiments/frontend$2" "--set=init.encoder.from=$recogniser" \
    "--set=init.ctc.from=$recogniser"
}

# Calls a function of an experiment with the data that a system of the first stage is trained on.
on_its_data() { # FUNCTION CONFIG SEED EXPERIMENT
  if [ "$(basename "$2" .yaml)" = recogniser_clean ]; then
    local train_set=train_clean dev_set=dev_clean
  fi
  "$@"
}

train_first() {
  local config="$frontends $recognisers"
  if in_stages 2 "statistics of what is trained first"; then for_each on_its_data statistics; fi
  if [ -n "$recognisers" ] && in_stages 3 "units of what is trained first"; then config=$recognisers for_each units; fi
  if in_stages 4 "training of front-ends and recognisers by themselves"; then for_each on_its_data train; fi
}

fsdd_corpus
for fold in $folds; do
  data=$work_dir/data/$(with_noise_sets "${size}_fold$fold")
  variant=_fold$fold
  keep_option_of ssl 4 ssl
  fsdd_data "$data"
  if in_stages 1 "mixing (fold $fold)"; then
    mix_sets
    if [ -n "$speeds" ]; then
      once "$data/.done/train_$speeds" nrsr perturb-speed --speeds "$speeds" "$data/train" "$data/train_$speeds"
    fi
    if [ "$train_set" != "$whole_set" ]; then
      once "$data/.done/$train_set" nrsr subset-data --share "$train_share" "$data/$whole_set" "$data/$train_set"
    fi
  fi
  if [ -n "$frontends$recognisers" ]; then train_first; fi
  asr_stages
done
