#!/usr/bin/env bash
# Emotions of acted sentences in noise, 24 speakers at 16 kHz: a teacher on clean speech, students that learn its layers
# from noisy speech. Training, development and test have different speakers and noise recordings.
#
# Usage: egs/ravdess/ser/run.sh --corpus-dir RAVDESS [options]
#   --corpus-dir DIR          RAVDESS, the folder that holds Actor_01, Actor_02, ...
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --masked FILE             config of the encoder's first training, without labels; "" for none; give a --tag with
#                             another    (utils/conf/ser/masked.yaml)
#   --teacher FILE            config of the teacher; give a --tag with another    (utils/conf/ser/teacher.yaml)
#   --config "A.yaml B.yaml"  systems on noisy speech    (the teacher's network, student, last, multi and its variants)
#   --folds "0 1 2 3"         which speakers and noises are tested    (0)
#   --ssl FILE                weights of a public encoder, in place of the small one trained here; give a --tag
#                             with it, and with another choice of the next three
#   --ssl-model NAME          name of that encoder    (wav2vec2_base)
#   --ssl-levels A,B,...      its layers that students learn, in ascending order; the teacher classifies by the last
#                             of them    (4,8,12)
#   --ssl-layers N            layers of the students    (2)
#   --size full|tiny          tiny: one epoch each, to test the recipe; experiments are in exp/tiny    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
shared=../../../utils/conf/ser
masked=$shared/masked.yaml
teacher=$shared/teacher.yaml
config="$shared/teacher_noisy.yaml $shared/student.yaml conf/last.yaml $shared/multi.yaml conf/multi_heads.yaml"
config+=" conf/multi_l1.yaml conf/multi_cosine.yaml"
folds=0
ssl=
ssl_model=wav2vec2_base
ssl_levels=4,8,12
ssl_layers=2
size=full
begin ser "$@"
. ../../../utils/nonspeech.sh

ser_folds ravdess --fold "$folds"
