#!/usr/bin/env bash
# Emotions of IEMOCAP in noise, a session left out in turn: a teacher on clean speech, students that learn its layers
# from noisy speech. Neutral, happy (with excited), angry and sad: 5,531 utterances.
#
# Usage: egs/iemocap/ser/run.sh --corpus-dir IEMOCAP [options]
#   --corpus-dir DIR          IEMOCAP_full_release, the folder that holds Session1 to Session5
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --masked FILE             config of the encoder's first training, without labels; "" for none; give a --tag with
#                             another    (utils/conf/ser/masked.yaml)
#   --teacher FILE            config of the teacher; give a --tag with another    (utils/conf/ser/teacher.yaml)
#   --config "A.yaml B.yaml"  systems on noisy speech    (the teacher's network, student, last and multi)
#   --folds "1 2 3 4 5"       the session that is tested; the next one is for development; sessions 1 and 5
#                             have the same division of the noises, of which there are four    (all five)
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
folds="1 2 3 4 5"
ssl=
ssl_model=wav2vec2_base
ssl_levels=4,8,12
ssl_layers=2
size=full
begin ser "$@"
. ../../../utils/nonspeech.sh

ser_folds iemocap --fold "$folds"
