#!/usr/bin/env bash
# Generates the ten digits of Speech Commands by six kinds of adversarial networks at their published sizes.
#
# Usage: egs/sc09/gan/run.sh --corpus-dir SPEECH_COMMANDS [options]
#   --corpus-dir DIR          Speech Commands, version 0.01: the folder that holds zero/ to nine/
#   --config "A.yaml B.yaml"  systems to train and compare    (all of conf/, WaveGAN with labels and without phase shuffle
#                             among them)
#   --count N                 digits that each system generates    (5000; published scores are of 50000)
#   --size full|tiny          tiny: four steps of each training, to test the recipe on a small tree    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
config="conf/gan.yaml conf/conditional_gan.yaml conf/control_gan.yaml conf/dcgan.yaml conf/wavegan.yaml"
config+=" conf/wavegan_no_shuffle.yaml conf/wavegan_labels.yaml conf/specgan.yaml"
count=5000
size=full
begin gan "$@"

data=$work_dir/data
experiments=$work_dir/exp/$size

given_corpus
prepare_data "$data" sc09 --corpus-dir "$corpus_dir"
gan_stages
