#!/usr/bin/env bash
# RATS, channel A: gradient remedy against multi-task learning, with the published model and schedule.
#
# The audio corpus (LDC2015S02) has no transcripts: bring data directories train, dev and test in Kaldi's form, with
# noisy wav.scp (8 kHz, absolute paths), text, utt2spk, perhaps segments, and in train spk1.scp of the clean speech.
#
# Usage: egs/rats/asr/run.sh --corpus-dir DIR [options]
#   --stage N --stop-stage N  0 corpus, 2 statistics, 3 units, 4 training, 5 decoding, 6 scoring and report
#   --corpus-dir DIR          the folder of the prepared directories train, dev and test    (needed by stage 0)
#   --config "A.yaml B.yaml"  systems to train and compare    (no_se, mtl, pcgrad, gr and gm of conf/)
#   --seeds "1 2 3"           seeds of the initialisation and of the order of the data    (1)
#   --tag NAME                added to the experiments' names, to keep variants apart
#   --nj N                    parallel jobs    (2)
#   --work-dir DIR            where data/ and exp/ go    (this recipe's folder)
#   --results FILE            the file whose tables are written anew    (exp/RESULTS.md)
set -euo pipefail

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
stage=0
stop_stage=6
corpus_dir=
config="conf/no_se.yaml conf/mtl.yaml conf/pcgrad.yaml conf/gr.yaml conf/gm.yaml"
seeds=1
tag=
nj=2
work_dir=$PWD
results=
. ../../../utils/parse_options.sh
. ../../../utils/path.sh
. ../../../utils/stages.sh
. ../../../utils/asr_stages.sh

case $work_dir in /*) ;; *) work_dir=$called_from/$work_dir ;; esac
experiments=$work_dir/exp
results=${results:-$experiments/RESULTS.md}
test_sets="test"
train_set=train
data=$work_dir/data
variant=

# Decoding takes a language model over the units of the training text.
decode_sets() {
  nrsr make-lm --order 4 --units "$1/units" "$data/train/text" "$1/lm.arpa"
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/decode_{SET}.log" \
    nrsr decode --exp "$1" --data "$data/{SET}" --lm "$1/lm.arpa" --out "$1/decode_{SET}"
}

nrsr doctor --quiet
if in_stages 0 "prepared data directories"; then
  [ -z "$corpus_dir" ] || corpus_dir=$(find_dir "$corpus_dir")
  nrsr doctor --quiet --recipe . ${corpus_dir:+--corpus-dir "$corpus_dir"}
  once "$data/.done/prepare" nrsr prepare rats --prepared-dir "$corpus_dir" --out "$data"
fi
asr_stages
