#!/usr/bin/env bash
# Vocoders on real spoken digits, 8 kHz: of speakers that they were trained on (seen) and of others (unseen).
#
# Usage: egs/fsdd/voc/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  vocoders to train and compare    (melgan, parallel_wavegan and hifigan of conf/)
#   --untrained "A.yaml"      rows that need no training    (Griffin-Lim and WORLD)
#   --unseen "A B"            speakers that are only tested; "" trains on all six    (theo yweweler)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
config="conf/melgan.yaml conf/parallel_wavegan.yaml conf/hifigan.yaml"
untrained="conf/griffin_lim.yaml ../../../utils/conf/voc/world.yaml"
unseen="theo yweweler"
size=full
begin voc "$@"
. ../../../utils/fsdd_corpus.sh

corpus=$work_dir/data/${size}_fold0
name=$size
test_sets=test_seen,test_unseen
if [ -z "$unseen" ]; then
  name=${size}_all
  test_sets=test_seen
fi
data=$work_dir/data/${name}_voc
experiments=$work_dir/exp/$name
tested=200 # strings of each test set
if [ "$size" = tiny ]; then tested=2; fi

# Divides the speakers into those that are trained on and the others.
divide() {
  local set
  mkdir -p "$data"
  printf '%s' "${unseen:+${unseen// /$'\n'}$'\n'}" > "$data/unseen"
  grep -vxFf "$data/unseen" <(cut -d' ' -f1 "$corpus/train_clean/spk2utt") > "$data/seen"
  for set in train dev test; do
    nrsr subset-data --spk-list "$data/seen" "$corpus/${set}_clean" "$data/${set}_of_seen"
  done
  nrsr subset-data --random "$((tested / 5 + 1))" "$data/dev_of_seen" "$data/dev"
  nrsr subset-data --random "$tested" "$data/test_of_seen" "$data/test_seen"
  if [ -n "$unseen" ]; then
    nrsr subset-data --spk-list "$data/unseen" "$corpus/test_clean" "$data/test_of_unseen"
    nrsr subset-data --random "$tested" "$data/test_of_unseen" "$data/test_unseen"
  fi
}

fold=0
fsdd_corpus
fsdd_data "$corpus"
keep_options 1 "$data" unseen
if in_stages 1 "seen and unseen speakers"; then once "$data/.done/speakers" divide; fi
train_set=train_of_seen
voc_stages
