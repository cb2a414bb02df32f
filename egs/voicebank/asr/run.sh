#!/usr/bin/env bash
# VoiceBank+DEMAND at 16 kHz: does an enhancer help a recogniser? Trained on clean speech, on noisy, on enhanced.
#
# With --work-dir of egs/voicebank/enh, what that recipe has prepared, trained and enhanced is taken from there.
#
# Usage: egs/voicebank/asr/run.sh --corpus-dir DIR [options]
#   --corpus-dir DIR          holds clean_trainset_28spk_wav/, trainset_28spk_txt/, ...    (needed by stage 0)
#   --config "A.yaml B.yaml"  enhancers to train and compare    (segan, mask_blstm and convtasnet of ../enh/conf)
#   --shelf "NAME NAME"       enhancers that need no training, of utils/conf/enh    (wiener rnnoise nsnet2 dtln)
#   --recognisers "NAME NAME" clean (trained on clean speech), noisy, retrained (on enhanced speech), pocketsphinx (with
#                             its own n-gram model of English)    (clean noisy retrained)
#   --retrain "NAME NAME"     enhancers for whose speech a recogniser is retrained    (the trained ones, and nsnet2)
#   --recogniser FILE         config of the recognisers that are trained    (conf/recogniser.yaml)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
config="../enh/conf/segan.yaml ../enh/conf/mask_blstm.yaml ../enh/conf/convtasnet.yaml"
shelf="wiener rnnoise nsnet2 dtln"
recognisers="clean noisy retrained"
retrain="segan mask_blstm convtasnet nsnet2"
recogniser=conf/recogniser.yaml
begin enh "$@"
. ../../../utils/voicebank.sh

voicebank
enh_stages
