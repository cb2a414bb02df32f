#!/usr/bin/env bash
# VoiceBank+DEMAND at 16 kHz: compares enhancers by the quality of their output, with SEGAN at its published size.
#
# Usage: egs/voicebank/enh/run.sh --corpus-dir DIR [options]
#   --corpus-dir DIR          holds clean_trainset_28spk_wav/, noisy_trainset_28spk_wav/, ...    (needed by stage 0)
#   --config "A.yaml B.yaml"  enhancers to train and compare    (segan, mask_blstm and convtasnet of conf/)
#   --shelf "NAME NAME"       enhancers that need no training, of utils/conf/enh    (wiener rnnoise nsnet2 dtln)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
config="conf/segan.yaml conf/mask_blstm.yaml conf/convtasnet.yaml"
shelf="wiener rnnoise nsnet2 dtln"
begin enh "$@"
. ../../../utils/voicebank.sh

voicebank
enh_stages
