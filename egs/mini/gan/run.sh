#!/usr/bin/env bash
# From digits that espeak-ng speaks to generated ones and a table of their scores, with no download: the tour.
#
# Usage: egs/mini/gan/run.sh [options]
#   --config "A.yaml B.yaml"  systems to train and compare    (conf/conditional_gan.yaml conf/wavegan.yaml)
#   --count N                 digits that each system generates    (1000)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/conditional_gan.yaml conf/wavegan.yaml"
count=1000
size=full
begin gan "$@"

data=$work_dir/data/$size
experiments=$work_dir/exp/$size
noise=../../fsdd/gan/conf/white_noise.yaml
train_set=train_clean
dev_set=dev_clean
real_set=test_clean

prepare_data "$data" mini --size "$size" --isolated
gan_stages
