#!/usr/bin/env bash
# RATS, channel A: gradient remedy against multi-task learning, with the published model and schedule.
#
# The audio corpus (LDC2015S02) has no transcripts: bring data directories train, dev and test in Kaldi's form, with
# noisy wav.scp (8 kHz, absolute paths), text, utt2spk, perhaps segments, and in train spk1.scp of the clean speech.
#
# Usage: egs/rats/asr/run.sh --corpus-dir DIR [options]
#   --corpus-dir DIR          the folder of the prepared directories train, dev and test    (needed by stage 0)
#   --config "A.yaml B.yaml"  systems to train and compare    (no_se, mtl, pcgrad, gr and gm of conf/)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/no_se.yaml conf/mtl.yaml conf/pcgrad.yaml conf/gr.yaml conf/gm.yaml"
corpus_dir=
begin asr "$@"

data=$work_dir/data
experiments=$work_dir/exp
test_sets="test"

# Decoding takes a language model over the units of the training text.
decode_sets() {
  nrsr make-lm --order 4 --units "$1/units" "$data/train/text" "$1/lm.arpa"
  decode_all "$1" --lm "$1/lm.arpa"
}

given_corpus
prepare_data "$data" rats --prepared-dir "$corpus_dir"
asr_stages
