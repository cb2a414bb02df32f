#!/usr/bin/env bash
# Vocoders of the published sizes and settings on VCTK, 24,000 Hz; the last 10 recordings of each speaker are tested.
#
# Usage: egs/vctk/voc/run.sh --corpus-dir VCTK-Corpus [options]
#   --corpus-dir DIR          the folder that holds txt/ and the recordings
#   --config "A.yaml B.yaml"  vocoders to train and compare    (Parallel WaveGAN and MelGAN of conf/)
#   --untrained "A.yaml"      rows that need no training    (Griffin-Lim and WORLD)
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
config="conf/parallel_wavegan.yaml conf/melgan.yaml"
untrained="conf/griffin_lim.yaml ../../../utils/conf/voc/world.yaml"
device=cpu
begin voc "$@"

data=$work_dir/data
experiments=$work_dir/exp

given_corpus
prepare_data "$data" vctk --corpus-dir "$corpus_dir"
voc_stages
