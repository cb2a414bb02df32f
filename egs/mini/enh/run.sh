#!/usr/bin/env bash
# From generated speech and noise to a table of enhancement, with no download: the tour of the enh recipes.
#
# Usage: egs/mini/enh/run.sh [options]
#   --config "A.yaml B.yaml"  enhancers to train and compare    (mask_blstm, convtasnet and segan of conf/)
#   --shelf "NAME NAME"       enhancers that need no training, of utils/conf/enh    (wiener)
#   --recognisers "NAME NAME" for the WER: clean (trained on clean speech), noisy, retrained (on enhanced speech),
#                             pocketsphinx (with its own n-gram model of English)    (none)
#   --recogniser FILE         config of the recognisers that are trained    (../asr/conf/identity.yaml)
#   --retrain "NAME NAME"     enhancers for whose speech a recogniser is retrained    (mask_blstm)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/mask_blstm.yaml conf/convtasnet.yaml conf/segan.yaml"
shelf=wiener
recognisers=
recogniser=../asr/conf/identity.yaml
retrain=mask_blstm
size=full
begin enh "$@"

data=$work_dir/data/$size
experiments=$work_dir/exp/$size
test_sets=test_clean,test_seen,test_unseen
with_figure=true

prepare_data "$data" mini --size "$size"
if in_stages 1 "mixing"; then mix_sets; fi
enh_stages
