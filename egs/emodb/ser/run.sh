#!/usr/bin/env bash
# Emotions of German sentences in noise at 16 kHz, each of ten speakers left out in turn: a teacher on clean speech,
# students that learn its layers from noisy speech.
#
# Usage: egs/emodb/ser/run.sh --corpus-dir EMODB [options]
#   --corpus-dir DIR          EmoDB, the folder that holds wav/
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --masked FILE             config of the encoder's first training, without labels; "" for none; give a --tag with
#                             another    (utils/conf/ser/masked.yaml)
#   --teacher FILE            config of the teacher; give a --tag with another    (utils/conf/ser/teacher.yaml)
#   --config "A.yaml B.yaml"  systems on noisy speech    (the teacher's network, student, last and multi)
#   --speakers "03 08 ..."    test speakers, one after the other; the division of the noises into four folds rotates with
#                             them    (all ten)
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
config="$shared/teacher_noisy.yaml $shared/student.yaml ../../ravdess/ser/conf/last.yaml $shared/multi.yaml"
speakers="03 08 09 10 11 12 13 14 15 16"
ssl=
ssl_model=wav2vec2_base
ssl_levels=4,8,12
ssl_layers=2
size=full
begin ser "$@"
. ../../../utils/nonspeech.sh

ser_folds emodb --leave-out "$speakers"
