#!/usr/bin/env bash
# Unified enhancement and separation with gradient modulation on noisy Libri2Mix or Libri3Mix, 8 kHz, min, train-360.
#
# Usage: egs/librimix/sep/run.sh --corpus-dir ROOT [options]
#   --corpus-dir ROOT         holds Libri2Mix/ or Libri3Mix/ as LibriMix's scripts write them; or mixed there from:
#   --librispeech-dir DIR     LibriSpeech, with train-clean-360, dev-clean and test-clean    (mixtures are there)
#   --wham-dir DIR            WHAM's noises, with tr/, cv/ and tt/
#   --metadata-dir DIR        metadata/Libri2Mix or metadata/Libri3Mix of LibriMix
#   --speakers 2|3            in each mixture    (2)
#   --config "A.yaml B.yaml"  systems to train and compare    (unified SepFormer with summed and modulated gradients)
#   --device cpu|cuda         where stage 5 runs; training takes a GPU where there is one    (cpu)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
librispeech_dir=
wham_dir=
metadata_dir=
speakers=2
device=cpu
begin sep "$@"

config=${config:-conf/unified_sepformer_${speakers}mix.yaml conf/unified_sepformer_${speakers}mix_gm.yaml}
data=$work_dir/data/libri${speakers}mix
experiments=$work_dir/exp/libri${speakers}mix
published=conf/published_${speakers}mix.tsv
baseline=unified_sepformer_${speakers}mix
train_set=train-360
test_sets="test"

parts=() # from which the mixtures are made
if [ "$stage" -gt 0 ]; then
  :
elif [ -n "$librispeech_dir$wham_dir$metadata_dir" ]; then
  if [ -z "$corpus_dir" ]; then
    echo "$0: give --corpus-dir ROOT as well; the mixtures are written there" >&2
    exit 1
  fi
  corpus_dir=$(absolute "$corpus_dir")
  librispeech_dir=$(find_dir "$librispeech_dir")
  wham_dir=$(find_dir "$wham_dir")
  metadata_dir=$(find_dir "$metadata_dir")
  parts=(--librispeech-dir "$librispeech_dir" --wham-dir "$wham_dir" --metadata-dir "$metadata_dir")
else
  given_corpus
fi
prepare_data "$data" librimix --corpus-dir "$corpus_dir" --speakers "$speakers" --sets train-360,dev,test \
  "${parts[@]}" --nj "$nj"
sep_stages
