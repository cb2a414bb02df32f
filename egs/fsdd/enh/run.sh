#!/usr/bin/env bash
# Does enhancement help recognition? Real spoken digits in real noise, enhancers, and recognisers behind them.
#
# Usage: egs/fsdd/enh/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  enhancers to train and compare    (mask_blstm, convtasnet and segan of conf/)
#   --shelf "NAME NAME"       enhancers that need no training, of utils/conf/enh    (wiener rnnoise nsnet2 dtln)
#   --recognisers "NAME NAME" for the WER: clean (trained on clean speech), noisy, retrained (on enhanced speech),
#                             pocketsphinx (of strings of digits); "" for the quality alone    (all four)
#   --recogniser FILE         config of the recognisers that are trained    (../asr/conf/identity.yaml)
#   --retrain "NAME NAME"     enhancers for whose speech a recogniser is retrained    (nsnet2 mask_blstm segan)
#   --vocoder DIR             experiment of the voc recipe for conf/mel_vocoder.yaml, which --config takes beside others,
#                             after egs/fsdd/voc/run.sh --unseen ""    (../voc/exp/full_all/melgan_seed1)
#   --folds "0 1 2 3"         which noise is trained on, and which is unseen    (0)
#   --quality NAME,...        metrics of the enhanced speech    (pesq,stoi,si_sdr,csig,cbak,covl,segsnr,dnsmos_p808)
#   --test-strings N          strings in each test set; the asr recipe has 1200    (400)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
config="conf/mask_blstm.yaml conf/convtasnet.yaml conf/segan.yaml"
shelf="wiener rnnoise nsnet2 dtln"
recognisers="clean noisy retrained pocketsphinx"
recogniser=../asr/conf/identity.yaml
retrain="nsnet2 mask_blstm segan"
vocoder=../voc/exp/full_all/melgan_seed1
folds=0
quality=pesq,stoi,si_sdr,csig,cbak,covl,segsnr,dnsmos_p808
test_strings=
size=full
begin enh "$@"
. ../../../utils/fsdd_corpus.sh

if [ "$size" = full ]; then test_strings=${test_strings:-400}; fi
experiments=$work_dir/exp/$size
test_sets=test_clean,test_seen,test_unseen
pocketsphinx_config=$NRSR_ROOT/utils/conf/asr/pocketsphinx_digits.yaml
with_figure=true

if [ -n "${vocoder_given:-}" ]; then vocoder=$(find_dir "$vocoder"); fi

# The front-end in the mel domain has the weights of a trained vocoder.
train_options() { # CONFIG SEED
  local weights
  case $(basename "$1" .yaml) in
    mel_vocoder)
      weights="frontend.vocoder.generator: {from: $vocoder, module: generator}"
      echo "--set=init={$weights, frontend.vocoder.norm: {from: $vocoder, module: norm}}" ;;
  esac
}

fsdd_corpus
for fold in $folds; do
  data=$work_dir/data/${size}_fold$fold
  variant=_fold$fold
  keep_options 0 "$data" test_strings
  keep_option_of mel_vocoder 4 vocoder
  fsdd_data "$data"
  if in_stages 1 "mixing (fold $fold)"; then mix_sets; fi
  enh_stages
done
