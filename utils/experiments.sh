# shellcheck shell=bash
# Sourced by the stages of the recipes: the experiments of a run, one for each config and seed, and their training.
#
# run.sh sets: config (one or more YAML files), seeds, tag, config_changes (by the option --set), data (its data
# directories), experiments (folder), variant (suffix of an experiment's name that names its data, as _fold0), train_set,
# perhaps dev_set.

# for_each FUNCTION...: calls FUNCTION... CONFIG SEED EXPERIMENT for each experiment of the run.
for_each() {
  local one seed name
  for one in $config; do
    name=$(basename "$one" .yaml)${tag:+-$tag}$variant
    for seed in $seeds; do
      "$@" "$one" "$seed" "$experiments/${name}_seed$seed"
    done
  done
}

# train_options CONFIG SEED: settings (--set=...) for training and statistics, one a line; a run.sh may define its own.
train_options() { :; }

# keep_option_of PATTERN STAGE NAME: keep_options for each experiment whose config has a name of this pattern, so that
# another fold, seed or tag may have another value.
keep_option_of() {
  for_each keep_option_of_experiment "$@"
}

keep_option_of_experiment() { # PATTERN STAGE NAME CONFIG SEED EXPERIMENT
  # shellcheck disable=SC2053 # a pattern
  if [[ $(basename "$4" .yaml) == $1 ]]; then keep_options "$2" "$6" "$3"; fi
}

# Sets changes to what train_options and the recipe's option --set say, as options of nrsr.
read_changes() { # CONFIG SEED
  local given=()
  mapfile -t changes < <(train_options "$1" "$2")
  read -d '' -ra given <<< "$config_changes" || true # all lines; it ends with status 1
  changes+=("${given[@]/#/--set=}")
}

# Resumes a killed training. A finished one, which nrsr train leaves unchanged, is compared with config and data each
# time; another --tag starts a new one.
train() { # CONFIG SEED EXPERIMENT
  local changes
  read_changes "$1" "$2"
  in_turn "$3/.done/train" nrsr train --config "$1" --seed "$2" --train "$data/$train_set" --exp "$3" \
    --dev "$data/${dev_set:-dev}" "${changes[@]}"
  forget_outdated "$3"
}

# Removes the marks of what was done with earlier weights, or with another `decoding` in config.yaml.
forget_outdated() { # EXPERIMENT
  local mark
  for mark in "$1"/.done/*; do
    case $mark in *.lock|*/statistics|*/units) continue ;; esac
    if [ "$1/model.pt" -nt "$mark" ] || [ "$1/config.yaml" -nt "$mark" ]; then rm -f "$mark"; fi
  done
}

statistics() { # CONFIG SEED EXPERIMENT
  local changes
  read_changes "$1" "$2"
  once "$3/.done/statistics" nrsr compute-cmvn --config "$1" --out "$3/statistics.ark" "${changes[@]}" \
    "$data/$train_set"
}

units() { # CONFIG SEED EXPERIMENT
  once "$3/.done/units" nrsr make-units --config "$1" "$data/train/text" "$3/units"
}
