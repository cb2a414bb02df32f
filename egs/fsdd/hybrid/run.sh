#!/usr/bin/env bash
# Recognises real spoken digits in real noise by phones: GMMs, senone networks, and networks with adversarial heads.
#
# Usage: egs/fsdd/hybrid/run.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset    (cloned by stage 0)
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds    (fetched by stage 0)
#   --config "A.yaml B.yaml"  networks to train and compare    (single, multitask, amtl and invariant of conf/)
#   --noises "1 2 4 all"      the experiment of the literature: training noise of so many kinds, the development noise
#                             being of other kinds; networks are those of conf/few/, experiments and results have a
#                             folder of their own    (none: clean speech and the same in all kinds of noise)
#   --copies none|parallel    with --noises: each string once, half of them clean and half in noise; or each string
#                             clean and in noise, twice as many utterances an epoch, the experiments' names having
#                             parallelN in place of noisesN    (none)
#   --noise-sets held_out|generated  with --noises: real noise; or 17 generated types, so that all real noise is
#                             unseen    (held_out)
#   --folds "0 1 2 3"         which kinds of noise are trained on, and which are unseen    (0)
#   --scales 0.1,0.2          acoustic scales to try on development data    (0.03 to 0.3)
#   --probe-layer N           hidden layer from which probes classify the noise    (3; with --noises 4)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/single.yaml conf/multitask.yaml conf/amtl.yaml conf/invariant.yaml"
corpus_dir=
noise_dir=
noises=
copies=none
noise_sets="fold"
folds=0
scales=0.03,0.05,0.1,0.15,0.2,0.3
probe_layer=3
size=full
begin hybrid "$@"
. ../../../utils/fsdd_corpus.sh
. ../../../utils/few_noises.sh

if [ -n "$noises" ]; then
  if [ -z "${noise_sets_given:-}" ]; then noise_sets=held_out; fi
  check_noise_sets held_out generated
  check_noises
  if [ -z "${config_given:-}" ]; then config=${config//conf/conf/few}; fi
  if [ -z "${probe_layer_given:-}" ]; then probe_layer=4; fi # that of the heads
  tested_gmms=()
  probe_kinds=false # near chance even where nothing was trained against them; the recordings are not
  gmm_kinds=(mono tri)
  gmm=$work_dir/exp/$size/gmm # whatever the noise, they are trained on the same clean speech
  columns=$(few_noises "${noises// /,$(few_noises "")}")
  with_gain_figure=true
elif [ "$noise_sets" != fold ]; then
  echo "$0: --noise-sets '$noise_sets' goes with --noises; give that, too" >&2
  exit 1
elif [ "$copies" != none ]; then
  echo "$0: --copies '$copies' goes with --noises; give that, too" >&2
  exit 1
fi
experiments=$work_dir/exp/$(with_noise_sets "$size")
if [ "$copies" = parallel ]; then results=${results:-$experiments/RESULTS_parallel.md}; fi
with_figure=true
frame_accuracy=true
lang=$work_dir/data/lang
grammar=(--loop) # any digits in a row, all equally probable

make_lang() {
  nrsr prepare-lang --lexicon conf/lexicon.txt "$lang"
}

# Training on each number of kinds of noise.
stages_with_few_noises() {
  local count
  for count in $noises; do
    train_set=train_$(few_noises "$count")
    variant=-$(few_noises "$count")_fold$fold
    hybrid_stages
  done
}

fsdd_corpus
for fold in $folds; do
  data=$work_dir/data/$(with_noise_sets "${size}_fold$fold")
  variant=_fold$fold
  fsdd_data "$data"
  if in_stages 1 "mixing (fold $fold)"; then
    if [ -n "$noises" ]; then mix_few_noises; else mix_sets_with_clean; fi
  fi
  if [ -n "$noises" ]; then stages_with_few_noises; else hybrid_stages; fi
done
