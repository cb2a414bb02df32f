#!/usr/bin/env bash
# Vocoders of the published sizes and settings on LJSpeech, 22,050 Hz; the last 250 recordings are tested.
#
# Usage: egs/ljspeech/voc/run.sh --corpus-dir LJSpeech-1.1 [options]
#   --corpus-dir DIR          LJSpeech-1.1, the folder that holds wavs/
#   --config "A.yaml B.yaml"  vocoders to train and compare    (MelGAN, Parallel WaveGAN and HiFi-GAN V1 of conf/)
#   --untrained "A.yaml"      rows that need no training    (Griffin-Lim on the mels of each vocoder, and WORLD)
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
config="conf/melgan.yaml conf/parallel_wavegan.yaml conf/hifigan_v1.yaml"
untrained="conf/griffin_lim.yaml conf/griffin_lim_melgan.yaml conf/griffin_lim_hifigan.yaml ../../../utils/conf/voc/world.yaml"
device=cpu
begin voc "$@"

data=$work_dir/data
experiments=$work_dir/exp

given_corpus
prepare_data "$data" ljspeech --corpus-dir "$corpus_dir"
voc_stages
