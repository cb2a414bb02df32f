#!/usr/bin/env bash
# CHiME-4, single-channel track: gradient remedy against multi-task learning, with the published model and schedule.
#
# Usage: egs/chime4/asr/run.sh --corpus-dir CHIME4 [options]
#   --stage N --stop-stage N  0 corpus, 1 joining, 2 statistics, 3 units, 4 training, 5 decoding, 6 scoring and report
#   --corpus-dir DIR          CHiME-4, the folder that holds data/    (needed by stage 0)
#   --wsj0-dir DIR            WSJ0, for the text of the simulated training data    (CORPUS_DIR/data/WSJ0)
#   --channels 1,2,3,4,5,6    microphones to train on, each utterance once for each; give a --tag with another choice
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
wsj0_dir=
channels=1,2,3,4,5,6
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
test_sets=dt05_real,dt05_simu,et05_real,et05_simu
train_set=train
data=$work_dir/data/ch${channels//,/}
variant=

# Decoding takes a language model over the units of the training sentences, each once although all channels recorded it.
decode_sets() {
  cut -d ' ' -f 2- "$data/train/text" | LC_ALL=C sort -u > "$1/lm.txt"
  nrsr make-lm --plain --order 4 --units "$1/units" "$1/lm.txt" "$1/lm.arpa"
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/decode_{SET}.log" \
    nrsr decode --exp "$1" --data "$data/{SET}" --lm "$1/lm.arpa" --out "$1/decode_{SET}"
}

nrsr doctor --quiet
if in_stages 0 "corpus to data directories"; then
  [ -z "$corpus_dir" ] || corpus_dir=$(find_dir "$corpus_dir")
  [ -z "$wsj0_dir" ] || wsj0_dir=$(find_dir "$wsj0_dir")
  nrsr doctor --quiet --recipe . ${corpus_dir:+--corpus-dir "$corpus_dir"}
  once "$data/.done/prepare" nrsr prepare chime4 --corpus-dir "$corpus_dir" ${wsj0_dir:+--wsj0-dir "$wsj0_dir"} \
    --channels "$channels" --out "$data"
fi
if in_stages 1 "training and development data, real and simulated"; then
  once "$data/.done/train" ln -sfn tr05 "$data/train"
  once "$data/.done/dev" nrsr combine-data "$data/dev" "$data/dt05_simu" "$data/dt05_real"
fi
asr_stages
