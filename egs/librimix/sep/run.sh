#!/usr/bin/env bash
# Unified enhancement and separation with gradient modulation on noisy Libri2Mix or Libri3Mix, 8 kHz, min, train-360.
#
# Usage: egs/librimix/sep/run.sh --corpus-dir ROOT [options]
#   --stage N --stop-stage N  0 corpus, 4 training, 5 separation, 6 scoring and report
#   --corpus-dir ROOT         holds Libri2Mix/ or Libri3Mix/ as LibriMix's scripts write them; or the folder to make them in, from:
#   --librispeech-dir DIR     LibriSpeech, with train-clean-360, dev-clean and test-clean    (mixtures are there)
#   --wham-dir DIR            WHAM's noises, with tr/, cv/ and tt/
#   --metadata-dir DIR        metadata/Libri2Mix or metadata/Libri3Mix of LibriMix
#   --speakers 2|3            in each mixture    (2)
#   --config "A.yaml B.yaml"  systems to train and compare    (unified SepFormer with summed and modulated gradients)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/ and exp/ go    (this recipe's folder)
#   --results FILE            the file whose tables are written anew    (exp/NAME/RESULTS.md)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
corpus_dir=
librispeech_dir=
wham_dir=
metadata_dir=
speakers=2
config=
seeds=1
tag=
device=cpu
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh
. ../../../utils/sep_stages.sh

case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
config=${config:-conf/unified_sepformer_${speakers}mix.yaml conf/unified_sepformer_${speakers}mix_gm.yaml}
data=$work_dir/data/libri${speakers}mix
experiments=$work_dir/exp/libri${speakers}mix
results=${results:-$experiments/RESULTS.md}
published=conf/published_${speakers}mix.tsv
recogniser=
baseline=unified_sepformer_${speakers}mix
variant=
train_set=train-360
test_sets="test"

prepare() {
  local making=()
  if [ -n "$librispeech_dir$wham_dir$metadata_dir" ]; then
    making=(--librispeech-dir "$librispeech_dir" --wham-dir "$wham_dir" --metadata-dir "$metadata_dir")
  fi
  nrsr prepare librimix --corpus-dir "$corpus_dir" --speakers "$speakers" --sets train-360,dev,test \
    "${making[@]}" --nj "$nj" --out "$data"
}

nrsr doctor --quiet
if in_stages 0 "corpus to data directories"; then
  if [ -z "$librispeech_dir" ]; then
    corpus_dir=$(find_dir "$corpus_dir")
    nrsr doctor --quiet --recipe . --corpus-dir "$corpus_dir"
  else
    case $corpus_dir in /*) ;; *) corpus_dir=$called_from/$corpus_dir ;; esac
    librispeech_dir=$(find_dir "$librispeech_dir")
    wham_dir=$(find_dir "$wham_dir")
    metadata_dir=$(find_dir "$metadata_dir")
  fi
  once "$data/.done/prepare" prepare
fi
sep_stages
