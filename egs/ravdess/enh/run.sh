#!/usr/bin/env bash
# Enhances acted sentences of 24 speakers in real noise, at 16 kHz; sets have different speakers and noises.
#
# Usage: egs/ravdess/enh/run.sh --corpus-dir RAVDESS [options]
#   --corpus-dir DIR          RAVDESS, the folder that holds Actor_01, Actor_02, ...
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  enhancers to train and compare    (mask_blstm, convtasnet and segan of conf/)
#   --shelf "NAME NAME"       enhancers that need no training, of utils/conf/enh    (wiener rnnoise nsnet2 dtln)
#   --quality NAME,...        metrics of the enhanced speech    (pesq,stoi,si_sdr,csig,cbak,covl,segsnr,dnsmos_p808)
#   --folds "0 1 2 3"         which speakers are tested, and which kinds of noise are unseen    (0)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
config="conf/mask_blstm.yaml conf/convtasnet.yaml conf/segan.yaml"
shelf="wiener rnnoise nsnet2 dtln"
quality=pesq,stoi,si_sdr,csig,cbak,covl,segsnr,dnsmos_p808
folds=0
begin enh "$@"
. ../../../utils/nonspeech.sh

experiments=$work_dir/exp
with_figure=true

ravdess_corpus() {
  if [ "$stage" -gt 0 ]; then return; fi
  given_corpus
  nonspeech
}

ravdess_corpus
for fold in $folds; do
  data=$work_dir/data/fold$fold
  variant=_fold$fold
  prepare_data "$data" ravdess --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" --fold "$fold"
  if in_stages 1 "mixing (fold $fold)"; then mix_sets; fi
  enh_stages
done
