#!/usr/bin/env bash
# From generated speech and noise to a table of emotion recognition, with no download: the tour of the ser recipes. The
# emotions are ways of speaking of synthetic voices: speed, pitch and level.
#
# Usage: egs/mini/ser/run.sh [options]
#   --masked FILE             config of the encoder's first training, without labels; "" for none    (conf/masked.yaml)
#   --teacher FILE            config of the teacher    (conf/teacher.yaml)
#   --config "A.yaml B.yaml"  systems on noisy speech    (student and multi of conf/)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
masked=conf/masked.yaml
teacher=conf/teacher.yaml
config="conf/student.yaml conf/multi.yaml"
size=full
begin ser "$@"

data=$work_dir/data/$size
experiments=$work_dir/exp/$size

prepare_data "$data" mini --size "$size" --emotions
ser_stages
