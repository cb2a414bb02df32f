#!/usr/bin/env bash
# Generates real spoken digits by six kinds of adversarial networks; nrsr's claims about generation are measured here.
#
# Usage: egs/fsdd/gan/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  systems to train and compare    (all of conf/, WaveGAN with labels and without phase shuffle
#                             among them)
#   --count N                 digits that each system generates    (3000)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#
# augment.sh beside it trains recognisers with generated noise and digits.
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
config="conf/gan.yaml conf/conditional_gan.yaml conf/control_gan.yaml conf/dcgan.yaml conf/wavegan.yaml"
config+=" conf/wavegan_no_shuffle.yaml conf/wavegan_labels.yaml conf/specgan.yaml"
count=3000
size=full
begin gan "$@"
. ../../../utils/fsdd_corpus.sh

fold=0 # noise alone depends on it
data=$work_dir/data/$size
experiments=$work_dir/exp/$size
train_set=train_clean
dev_set=dev_clean
real_set=test_clean

fsdd_corpus
fsdd_data "$data" --isolated
gan_stages
