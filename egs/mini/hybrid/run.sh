#!/usr/bin/env bash
# From generated speech and noise to phones, triphones and noise-invariant senone networks, with no download.
#
# Usage: egs/mini/hybrid/run.sh [options]
#   --stage N --stop-stage N  0 corpus, 1 mixing, 2 features, 3 lexicon, GMMs and alignments, 4 training, 5 decoding,
#                             6 scoring, probes and report
#   --config "A.yaml B.yaml"  networks to train and compare    (single, multitask, amtl and invariant of conf/)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --scales 0.1,0.2          acoustic scales to try on development data    (0.03 to 0.3)
#   --probe-layer N           hidden layer from which probes classify the noise    (2)
#   --size full|tiny          tiny: a corpus for testing the recipe, too small to learn from    (full)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/ and exp/ go    (this recipe's folder)
#   --results FILE            the file whose tables are written anew    (exp/SIZE/RESULTS.md)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
config="conf/single.yaml conf/multitask.yaml conf/amtl.yaml conf/invariant.yaml"
seeds=1
tag=
scales=0.03,0.05,0.1,0.15,0.2,0.3
probe_layer=2
size=full
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh

case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
data=$work_dir/data/$size
experiments=$work_dir/exp/$size
results=${results:-$experiments/RESULTS.md}
figure=${results%.md}_snr.png
variant=
test_sets=test_clean,test_seen,test_unseen
probe_sets=test_seen,test_unseen
if [ "$size" = tiny ]; then probe_sets=; fi # too few utterances of each kind of noise
cmvn_by=utterance
lang=$data/lang
grammar=(--arpa "$data/3gram.arpa")
. ../../../utils/hybrid_stages.sh

# There is no lexicon: espeak-ng, which speaks the corpus, pronounces its words as well.
make_lang() {
  nrsr prepare-lang --text "$data/train_clean/text" --text "$data/dev_clean/text" --guess "$lang"
  nrsr make-lm --order 3 "$data/train_clean/text" "$data/3gram.arpa"
}

mix() { # SPEECH NOISE OUT
  once "$data/.done/$3" nrsr mix --speech "$data/$1" --noise "$data/$2" --snr=-5,0,5,10,15 --active --out "$data/$3"
}

nrsr doctor --quiet --recipe .
if in_stages 0 "corpus to data directories"; then
  once "$data/.done/prepare" nrsr prepare mini --size "$size" --out "$data"
fi
if in_stages 1 "mixing"; then
  mix train_clean noise_train train_noisy
  mix dev_clean noise_dev dev_noisy
  mix test_clean noise_seen test_seen
  mix test_clean noise_unseen test_unseen
  once "$data/.done/train" with_clean "$data/train_clean" "$data/train_noisy" "$data/train"
  once "$data/.done/dev" with_clean "$data/dev_clean" "$data/dev_noisy" "$data/dev"
fi
hybrid_stages
