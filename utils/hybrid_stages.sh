# shellcheck shell=bash
# Sourced by utils/recipe.sh for the hybrid recipes: stages 2 to 6. GMMs are trained on clean speech, once for all noise;
# the senone networks on DATA/train with the alignments of the clean speech that it was mixed from.
#
# run.sh sets: config, data, experiments (folder), scales (acoustic scales to try on development data), probe_layer, lang
# (folder), grammar (options of make-graph, an array), and a function make_lang that fills the lang folder and whatever
# the grammar needs; perhaps test_sets, probe_sets (separated by commas, or none), probe_kinds (false: probes classify
# the noise recordings alone), cmvn_by (utterance or speaker), variant, gmm_kinds (GMMs to train), tested_gmms
# (those that are rows of the table), gmm (their folder), frame_accuracy (not empty: a column of the table, where all test
# sets are test_clean and what is mixed from it), and report_sets and gmm_variant where they differ from test_sets and
# variant.
# In DATA: train_clean and dev_clean (clean speech), train, dev, and the test sets.

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/mixing.sh
. "$NRSR_ROOT/utils/mixing.sh"
# shellcheck source=utils/score_words.sh
. "$NRSR_ROOT/utils/score_words.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

baseline=single
train_set=train
test_sets=test_clean,test_seen,test_unseen
probe_sets=test_seen,test_unseen
if [ "${size:-}" = tiny ]; then probe_sets=; fi # too few utterances of each kind of noise
probe_kinds=true
cmvn_by=utterance
variant=
gmm_kinds=(mono tri lda)
tested_gmms=(mono tri lda)
gmm=
frame_accuracy=
also=
aligned_by=tri # the GMM whose senones the networks learn

features() { # CONFIG FOLDER...
  nrsr make-feats --config "$1" --nj "$nj" "${@:2}"
  nrsr compute-cmvn --by "$cmvn_by" "${@:2}"
}

fbank() { # SET...
  features conf/fbank.yaml "${@/#/$data/}"
}

mfcc() { # SET...: features for the GMMs, in data directories of their own
  local set
  for set in "$@"; do
    mkdir -p "$data/mfcc/$set"
    cp "$data/$set"/{wav.scp,text,utt2spk,spk2utt,utt2dur} "$data/mfcc/$set"
  done
  features conf/mfcc.yaml "${@/#/$data/mfcc/}"
}

all_features() {
  local tests decoded=()
  read -ra tests <<< "${test_sets//,/ }"
  once "$data/.done/fbank_$train_set" fbank "$train_set"
  once "$data/.done/fbank" fbank dev "${tests[@]}"
  if [ ${#tested_gmms[@]} -gt 0 ]; then
    decoded=(dev "${tests[@]}")
  elif [ -n "$frame_accuracy" ]; then
    decoded=(test_clean)
  fi
  once "$data/.done/mfcc" mfcc train_clean dev_clean "${decoded[@]}"
}

mono() {
  nrsr train-gmm mono --config conf/gmm.yaml --data "$data/mfcc/train_clean" --lang "$lang" --exp "$gmm/mono" --nj "$nj"
}

tri() {
  nrsr train-gmm tri --config conf/gmm.yaml --ali "$gmm/mono" --data "$data/mfcc/train_clean" --lang "$lang" \
    --exp "$gmm/tri" --nj "$nj"
}

lda() {
  nrsr train-gmm lda --config conf/gmm.yaml --ali "$gmm/tri" --data "$data/mfcc/train_clean" --lang "$lang" \
    --exp "$gmm/lda" --nj "$nj"
}

graph() { # KIND
  nrsr make-graph --lang "$lang" --model "$gmm/$1" "${grammar[@]}"
}

align_clean() { # SET
  nrsr align --gmm "$gmm/$aligned_by" --data "$data/mfcc/$1" --lang "$lang" --out "$data/ali/$1" --nj "$nj"
}

copy_alignments() { # CLEAN SET: copies the alignments of clean speech to the set mixed from it
  nrsr align --from-parallel "$1" --data "$data/$2" --out "$data/ali/$2"
  cp "$data/ali/$2/ali.scp" "$data/$2/ali.scp"
}

# Those of test_clean go to what is mixed from it as well.
align_tests() {
  local set
  align_clean test_clean
  for set in ${test_sets//,/ }; do
    if [ "$set" != test_clean ]; then copy_alignments "$data/ali/test_clean" "$set"; fi
  done
}

gmms() {
  local kind
  once "$lang/.done" make_lang
  for kind in "${gmm_kinds[@]}"; do
    once "$gmm/$kind/.done/train" "$kind"
    once "$gmm/$kind/.done/graph" graph "$kind"
  done
  once "$data/.done/align_dev" align_clean dev_clean
  once "$data/.done/copy_alignments_$train_set" copy_alignments "$gmm/$aligned_by" "$train_set"
  once "$data/.done/copy_alignments_dev" copy_alignments "$data/ali/dev_clean" dev
  if [ -n "$frame_accuracy" ]; then
    once "$data/.done/align_tests" align_tests
  fi
}

decode_sets() { # MODEL GRAPH DATA OUT: decodes the test sets with the acoustic scale that is best on development data
  nrsr decode --exp "$1" --graph "$2" --acoustic-scale "$scales" --dev "$3/dev" --data "$3/dev" \
    --out "$4/decode_dev" --nj "$nj"
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$4/log/decode_{SET}.log" \
    nrsr decode --exp "$1" --graph "$2" --acoustic-scale "$(cat "$4/decode_dev/acoustic_scale")" --data "$3/{SET}" \
    --out "$4/decode_{SET}"
}

decode() { # CONFIG SEED EXPERIMENT
  once "$3/.done/decode" decode_sets "$3" "$gmm/$aligned_by/graph" "$data" "$3"
}

# Frame accuracy: the most probable senones beside those of the alignments.
apply_sets() { # EXPERIMENT
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/apply_{SET}.log" \
    nrsr apply --exp "$1" --data "$data/{SET}" --out "$1/apply_{SET}" --outputs senones
}

classify_frames() { # CONFIG SEED EXPERIMENT
  once "$3/.done/apply" apply_sets "$3"
}

score_frame_sets() { # EXPERIMENT
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/score_frames_{SET}.log" \
    nrsr score --metric frame_accuracy --data "$data/{SET}" --out "$1/apply_{SET}/score" \
    "$data/ali/{SET}/ali.scp" "$1/apply_{SET}/senones.scp"
}

score_frames() { # CONFIG SEED EXPERIMENT
  once "$3/.done/score_frames" score_frame_sets "$3"
}

# The GMMs have one training, whatever the seeds of the networks.
gmm_experiment() { # KIND
  echo "$experiments/$1${gmm_variant-$variant}_once"
}

decode_gmms() {
  local kind out
  for kind in "${tested_gmms[@]}"; do
    out=$(gmm_experiment "$kind")
    once "$out/.done/decode" decode_sets "$gmm/$kind" "$gmm/$kind/graph" "$data/mfcc" "$out"
  done
}

score_gmms() {
  local kind
  for kind in "${tested_gmms[@]}"; do
    score - - "$(gmm_experiment "$kind")"
  done
}

# Classifies the kinds of noise, the noise recordings where these are known, and clean against noisy speech, from a hidden
# layer of the trained network.
probe_experiment() { # EXPERIMENT
  local set recording_sets=
  for set in ${probe_sets//,/ }; do
    if [ -e "$data/$set/utt2noisefile" ]; then recording_sets+=${recording_sets:+,}$set; fi
  done
  if [ "$probe_kinds" = true ] && [ -n "$probe_sets" ]; then
    run_jobs.sh --max-jobs "$nj" "SET=$probe_sets" "$1/log/probe_{SET}.log" \
      nrsr probe --exp "$1" --data "$data/{SET}" --layer "$probe_layer" --out "$1/decode_{SET}/probe.json"
  fi
  if [ -n "$recording_sets" ]; then
    run_jobs.sh --max-jobs "$nj" "SET=$recording_sets" "$1/log/probe_recording_{SET}.log" \
      nrsr probe --exp "$1" --data "$data/{SET}" --layer "$probe_layer" --labels utt2noisefile \
      --out "$1/decode_{SET}/probe_recording.json"
  fi
  run_jobs.sh SET=dev "$1/log/probe_{SET}.log" nrsr probe --exp "$1" --data "$data/{SET}" --layer "$probe_layer" \
    --missing clean --against clean --out "$1/decode_{SET}/probe.json"
}

probe() { # CONFIG SEED EXPERIMENT
  once "$3/.done/probe" probe_experiment "$3"
}

hybrid_stages() {
  if [ -n "$frame_accuracy" ]; then also=frame_accuracy; fi
  gmm=${gmm:-$experiments/gmm} # mono/, tri/ and lda/ in it
  keep_options 5 "$experiments" scales
  keep_option_of '*' 6 probe_layer
  if in_stages 2 "features"; then all_features; fi
  if in_stages 3 "lexicon, GMMs on clean speech, alignments of noisy speech"; then gmms; fi
  if in_stages 4 "training"; then
    for_each statistics
    for_each train
  fi
  if in_stages 5 "decoding"; then
    decode_gmms
    for_each decode
    if [ -n "$frame_accuracy" ]; then for_each classify_frames; fi
  fi
  if in_stages 6 "scoring, probes and report"; then
    score_gmms
    for_each score
    for_each probe
    if [ -n "$frame_accuracy" ]; then for_each score_frames; fi
    report
  fi
}

# Stage 1: noisy sets, and those that networks learn from with the clean speech in them.
mix_sets_with_clean() {
  mix_sets _noisy
  once "$data/.done/train" with_clean "$data/train_clean" "$data/train_noisy" "$data/train"
  once "$data/.done/dev" with_clean "$data/dev_clean" "$data/dev_noisy" "$data/dev"
}

# The clean speech once more, under other names (alignments find UTT by UTT-c0), joined with the noisy speech.
with_clean() { # CLEAN NOISY OUT
  local list
  mkdir -p "$3.clean"
  for list in wav.scp text utt2spk utt2dur; do
    sed 's/ /-c0 /' "$1/$list" > "$3.clean/$list"
  done
  nrsr combine-data "$3" "$3.clean" "$2"
}
