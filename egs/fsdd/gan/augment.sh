#!/usr/bin/env bash
# Trains recognisers of digits in noise with generated sound: with noise of a WaveGAN in place of real noise or beside
# it, and with strings of generated digits beside the real ones.
#
# Usage: egs/fsdd/gan/augment.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --count N                 digits that the generator of strings generates first    (3000)
#   --noises N                noises of two seconds that are generated    (300)
#   --strings N               strings of generated digits that are added    (1500)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#
# The seeds are those of the recognisers; each generator is trained once. The noise is that of fold 0. The configs are
# always the same: there is no --config, --set or --tag.
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
noise_dir=
count=3000
noises=300
strings=1500
size=full
begin gan "$@"
. ../../../utils/fsdd_corpus.sh

for name in config set tag; do
  if [ -n "${!name}" ]; then
    echo "$0: takes no --$name; run.sh and ../asr/run.sh do, which it calls" >&2
    exit 1
  fi
done
asr_dir=$work_dir/asr # the work folder of the recognisers, so that those of egs/fsdd/asr stay what they are
data=$asr_dir/data/${size}_fold0
experiments=$work_dir/exp/$size
noise_exp=$experiments/noise_wavegan_seed1
words_exp=$experiments/wavegan_labels_seed1
results=${results:-$experiments/RESULTS_augment.md}

asr() { # OPTIONS...: egs/fsdd/asr on these seeds, without its own report
  ../asr/run.sh --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" --work-dir "$asr_dir" --size "$size" --nj "$nj" \
    --seeds "$seeds" --results "$asr_dir/RESULTS.md" "$@"
}

train_noise() {
  local options=()
  mapfile -t options < <(train_options)
  nrsr train --config conf/noise_wavegan.yaml --seed 1 --train "$data/noise_train" --dev "$data/noise_dev" \
    --exp "$noise_exp" "${options[@]}"
}

join_digits() {
  python local/digit_strings.py --digits "$words_exp/generate_words" --count "$strings" --out "$data/generated_clean"
  nrsr mix --speech "$data/generated_clean" --noise "$data/noise_train" --snr=-5,0,5,10,15 --active \
    --out "$data/generated"
  nrsr combine-data "$data/train_digits" "$data/train" "$data/generated"
}

keep_options 5 "$data" noises strings
stage=0 fsdd_corpus # egs/fsdd/asr asks for it at whatever stage
if [ "$stage" -le 1 ]; then asr --stop-stage 1; fi
if in_stages 4 "training of generators"; then
  once "$noise_exp/.done/train" train_noise
  ./run.sh --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" --work-dir "$work_dir" --size "$size" --stop-stage 5 \
    --count "$count" --config conf/wavegan_labels.yaml
fi
if in_stages 5 "generation, and recognisers"; then
  once "$data/.done/noise_generated" nrsr generate --exp "$noise_exp" --count "$noises" --seed 1 \
    --out "$data/noise_generated"
  once "$data/.done/train_digits" join_digits
  asr --config "../gan/conf/asr_real.yaml ../gan/conf/asr_generated.yaml ../gan/conf/asr_both.yaml"
  # Twice the strings: half the epochs are as many steps as the others have.
  asr --config "../gan/conf/asr_real.yaml" --train-data train_digits --tag digits --set training.epochs=6
fi
if in_stages 6 "report"; then
  experiments=$asr_dir/exp/$size metric=wer primary=-5,0,5 criteria='' baseline=asr_real with_figure=true \
    test_sets=test_clean,test_seen,test_unseen report
fi
