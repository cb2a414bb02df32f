# shellcheck shell=bash
# Sourced by utils/recipe.sh for the voc recipes: stages 2 to 6, for each config and seed of the run.
#
# run.sh sets: config (vocoders to train), untrained (configs of Griffin-Lim and WORLD), data (its data directories),
# experiments (folder), test_sets (separated by commas); perhaps device (cpu or cuda), variant, train_set, dev_set,
# metric, primary. Vocoders that take the same mels share their features, whose folder is named by their definition.

# shellcheck source=utils/experiments.sh
. "$NRSR_ROOT/utils/experiments.sh"
# shellcheck source=utils/report.sh
. "$NRSR_ROOT/utils/report.sh"

baseline=griffin_lim # with which the others are compared
train_set=train
dev_set=dev
test_sets="test"
variant=
device=${device:-cpu}
metric=mstft,mcd,logf0_rmse,vuv_error,pesq,stoi
primary=all
criteria=loss,spectral

name_of() { # CONFIG
  basename "$1" .yaml
}

# Sets mels to the folder of data directories with the mels that a config describes, "" where it takes none.
declare -gA mel_names=() # recipe.sh sources this file in a function
find_mels() { # CONFIG CHANGES...
  if [ -z "${mel_names[$*]+set}" ]; then
    mel_names[$*]=$(nrsr make-feats --config "$1" "${@:2}" --print-name)
  fi
  mels=${mel_names[$*]:+$data/mels_${mel_names[$*]}}
}

# The same for a vocoder that is trained, whose config the option --set may change.
find_mels_of_trained() { # CONFIG SEED
  local changes
  read_changes "$1" "$2"
  find_mels "$1" "${changes[@]}"
}

# Copies the lists of each set into a folder for one definition of mels, and computes the mels there. They are computed
# in a folder beside and moved file by file, so that a training which reads the earlier ones goes on.
make_mels() { # FOLDER CONFIG CHANGES...
  local set folders=()
  for set in $train_set $dev_set ${test_sets//,/ }; do
    folders+=("$1/.new/$set")
    rm -rf "${1:?}/.new/$set"
    mkdir -p "$1/.new/$set" "$1/$set"
    find "$data/$set" -maxdepth 1 -type f ! -name '*.ark' ! -name '.*' -exec cp -t "$1/.new/$set" {} +
  done
  nrsr make-feats --config "${@:2}" --nj "$nj" "${folders[@]}"
  find "$1/.new" -name feats.scp -exec sed -i 's|/\.new/\([^/]*/feats\.ark:[0-9]*\)$|/\1|' {} +
  for set in $train_set $dev_set ${test_sets//,/ }; do
    find "$1/.new/$set" -type f ! -name '.*' -exec mv -t "$1/$set" {} +
  done
  rm -rf "${1:?}/.new"
}

# A run computes the mels of a folder once, although several configs, seeds and Griffin-Lim take them.
declare -gA made_mels=()
mels_once() { # CONFIG CHANGES...
  if [ -n "${made_mels[$mels]+set}" ]; then return; fi
  once "$mels/.done/mels" make_mels "$mels" "$@"
  made_mels[$mels]=true
}

mel_statistics() { # CONFIG SEED EXPERIMENT
  local changes
  read_changes "$1" "$2"
  find_mels "$1" "${changes[@]}"
  mels_once "$1" "${changes[@]}"
  data=$mels statistics "$@"
}

mels_of_untrained() { # CONFIG
  find_mels "$1"
  if [ -n "$mels" ]; then mels_once "$1"; fi
}

train_vocoder() { # CONFIG SEED EXPERIMENT
  find_mels_of_trained "$1" "$2"
  data=$mels train "$@"
}

vocode_sets() { # FOLDER EXPERIMENT OPTIONS...
  local jobs=$nj
  if [ "$device" = cuda ]; then jobs=1; fi
  run_jobs.sh --max-jobs "$jobs" "SET=$test_sets" "$2/log/vocode_{SET}.log" \
    nrsr vocode "${@:3}" --device "$device" "scp:$1/{SET}/feats.scp" "$2/vocode_{SET}"
}

vocode() { # CONFIG SEED EXPERIMENT
  find_mels_of_trained "$1" "$2"
  once "$3/.done/vocode" vocode_sets "$mels" "$3" --exp "$3"
}

resynthesise_sets() { # CONFIG EXPERIMENT
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$2/log/vocode_{SET}.log" \
    nrsr apply --config "$1" --data "$data/{SET}" --out "$2/vocode_{SET}"
}

vocode_untrained() { # CONFIG EXPERIMENT
  find_mels "$1"
  if [ -n "$mels" ]; then
    # Stage 2 has computed them, unless this config is new; --stage 5 does not repeat it.
    if [ ! -e "$mels/.done/mels" ]; then mels_once "$1"; fi
    once "$2/.done/vocode" vocode_sets "$mels" "$2" --config "$1"
  else
    once "$2/.done/vocode" resynthesise_sets "$1" "$2"
  fi
}

score_sets() { # EXPERIMENT
  run_jobs.sh --max-jobs "$nj" "SET=$test_sets" "$1/log/score_{SET}.log" \
    nrsr score-voc --data "$data/{SET}" --estimates "$1/vocode_{SET}" --out "$1/vocode_{SET}/score"
}

score() { # CONFIG SEED EXPERIMENT
  once "$3/.done/score" score_sets "$3"
}

for_each_untrained() { # FUNCTION: calls FUNCTION CONFIG EXPERIMENT
  local one
  for one in $untrained; do
    "$1" "$one" "$experiments/$(name_of "$one")${variant}_once"
  done
}

score_untrained() { # CONFIG EXPERIMENT
  once "$2/.done/score" score_sets "$2"
}

# Spectrograms of one utterance of each set: the original, and the outputs of all vocoders that the report may have, of
# one seed each.
draw_samples() {
  local set folder name panels
  local -A drawn
  if [ "$report" = false ]; then return; fi
  results=${results:-$experiments/RESULTS.md}
  for set in ${test_sets//,/ }; do
    panels=("original=$data/$set")
    drawn=()
    for folder in "$experiments"/*"$variant"_{once,seed*}; do
      name=$(basename "${folder%"$variant"_*}")
      if [ -e "$folder/.done/vocode" ] && [ -z "${drawn[$name]+set}" ]; then
        panels+=("$name=$folder/vocode_$set")
        drawn[$name]=true
      fi
    done
    nrsr spectrograms --out "${results%.md}_$set.png" "${panels[@]}"
  done
}

voc_stages() {
  if in_stages 2 "features and statistics"; then
    for_each mel_statistics
    for_each_untrained mels_of_untrained
  fi
  if in_stages 4 "training"; then for_each train_vocoder; fi
  if in_stages 5 "generation"; then
    for_each_untrained vocode_untrained
    for_each vocode
  fi
  if in_stages 6 "scoring and report"; then
    for_each_untrained score_untrained
    for_each score
    draw_samples
    report
  fi
}
