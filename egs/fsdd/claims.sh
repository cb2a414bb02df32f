#!/usr/bin/env bash
# Measures where gradient remedy and noise-invariant representations hold: all runs in a queue, and the reports of them.
#
# Usage: egs/fsdd/claims.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds
#   --work-dir DIR            where data, experiments, marks, logs and results go
#   --only PATTERN            items of these names alone, as 'asr_*', 'hybrid_*' or '*_fold0_*'; items of fold 0, seed 1
#                             that they need must be done before    (*)
#   --do run|list|report      list: print the items with their state; report: write the results of what is there    (run)
#   --size full|tiny          tiny: to try the queue    (full)
#
# Start it once for each core, with the same options: the processes share the items, and resume those that were killed.
# A line is printed for each item; its log is DIR/queue/ITEM.log. The results are DIR/RESULTS_*.md, which each process
# writes at its end from the items that are done.
#
# Planned, before any of these runs:
#
#   Gradient remedy. Noise on the fly, Adam with beta2 0.97, utterance normalisation, 2256 steps (24 epochs), weights
#   0.7 recogniser + 0.3 enhancement as published: no_se, mtl, gr in four folds with three seeds; gm and pcgrad in four
#   folds with one. no_se, mtl and gr with a weight of the enhancement that is chosen out of 0.3, 0.03, 0.003 and
#   0.0003: that with the smallest share of wrong units in the mean of mtl and gr, 1128 steps, seed 1, on development
#   data whose noise is of kinds that are neither trained on nor tested (8 machine, 6 wind, 2 traffic, 1 click with the
#   sounds at hand); fold 0 alone, three seeds, since the other folds test on these sounds. In two stages: joint_*,
#   from a recogniser of clean and from one of noisy speech, by the
#   recogniser's loss alone, the sum, modulation and remedy; four folds, one seed. With 10 and 30 % of each speaker's
#   strings and as many steps: no_se, mtl, gr; four folds, one seed.
#   Primary: WER, mean of -5, 0 and 5 dB, in seen and in unseen noise, with clean speech beside it. Asked: does gr make
#   9.3 % fewer errors than mtl (relative), its interval without zero, in a setting that was chosen on development data?
#
#   Invariant representations. Each string is heard once, half of them clean and half in 1, 2, 4 or all (8 to 10) kinds
#   of noise, the kinds with the most recordings first: single, multitask, amtl, invariant; four folds, three seeds.
#   Alpha of amtl and of invariant out of 0.1, 0.3, 1 and 3: that with the fewest frames wrong in the mean of 1 and 4
#   kinds, fold 0, seed 1, on development data with kinds of noise that are not trained on; one for all folds. Fold 0
#   does not test on these sounds; in fold 1 they are the unseen noise, in folds 2 and 3 some of the seen. The test
#   sets are the same for every number of kinds: unseen is of kinds
#   that no network is trained on; seen, of other recordings of the kinds of `all`. The same, in fold 0, with 17 generated
#   types to train on, alpha chosen by itself; all real noise is of other kinds then, and seen is other instances of the
#   17. In fold 0 also with parallel copies for 1 and all kinds, each string clean and in noise, over half as many epochs
#   and with the same alpha.
#   Primary: as above. Asked: do amtl and invariant make fewer errors than single, and is the gain largest with few
#   kinds?
set -euo pipefail

called_from=$PWD
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
corpus_dir=
noise_dir=
work_dir=
only='*'
do=run
size=full
# shellcheck source=../../utils/parse_options.sh
. "$here/../../utils/parse_options.sh"
# shellcheck source=../../utils/path.sh
. "$here/../../utils/path.sh"
# shellcheck source=../../utils/queue.sh
. "$here/../../utils/queue.sh"
if [ -z "$corpus_dir" ] || [ -z "$noise_dir" ] || [ -z "$work_dir" ]; then
  echo "$0: needs --corpus-dir, --noise-dir and --work-dir; $0 --help says what they are" >&2
  exit 1
fi
if [ "$do" != run ] && [ "$do" != list ] && [ "$do" != report ]; then
  echo "$0: --do takes run, list or report, not '$do'" >&2
  exit 1
fi
for name in corpus_dir noise_dir work_dir; do
  case ${!name} in /*) ;; *) printf -v "$name" '%s' "$called_from/${!name}" ;; esac
done
queue=$work_dir/queue
mkdir -p "$queue"

weights="0.3 0.03 0.003 0.0003"
alphas="0.1 0.3 1 3"
kinds="1 2 4 all"
trial_kinds="1 4" # on which alpha is chosen
parallel_kinds="1 all"

recipe() { # TASK FOLD SEED CHANGES OPTIONS...
  "$here/$1/run.sh" --corpus-dir "$corpus_dir" --noise-dir "$noise_dir" --work-dir "$work_dir/$1" --size "$size" \
    --nj 1 --report false --folds "$2" --seeds "$3" --set "$4" "${@:5}"
}

asr() { # CONFIG FOLD SEED [CHANGES OPTIONS...]
  recipe asr "$2" "$3" "${4:-}" --config "conf/fly/$1.yaml" "${@:5}"
}

# --- Gradient remedy ---

asr_first() { # FOLD SEED: what the joint trainings start from
  recipe asr "$1" "$2" "" --frontends conf/fly/frontend.yaml --config "" --stop-stage 4 \
    --recognisers "conf/fly/recogniser_clean.yaml conf/fly/recogniser_noisy.yaml"
}

asr_joint() { # CONFIG FOLD SEED: the rest is there
  asr "$1" "$2" "$3" "" --frontends conf/fly/frontend.yaml \
    --recognisers "conf/fly/recogniser_clean.yaml conf/fly/recogniser_noisy.yaml"
}

asr_trial() { # CONFIG WEIGHT
  asr "$1" 0 1 "loss_weights.se=$2 training.steps=1128" --noise-sets held_out --tag "se$2" --stop-stage 4
}

# best FILE: reads lines `VALUE EXPERIMENT`, and writes the value whose experiments have the lowest mean criterion on
# development data; FILE.trials has them all.
best() {
  local value folder criterion
  while read -r value folder; do
    criterion=$(nrsr dev-criterion "$folder")
    echo "$value ${criterion%% *}"
  done | tee "$1.trials" | awk '{ sum[$1] += $2; count[$1]++ } END { for (v in sum) print sum[v] / count[v], v }' |
    sort -g | awk 'NR == 1 { print $2 }' > "$1.new"
  [ -s "$1.new" ]
  mv "$1.new" "$1"
}

choose_weight() {
  local weight name
  for weight in $weights; do
    for name in mtl gr; do
      echo "$weight $work_dir/asr/exp/${size}_held_out/$name-se${weight}_fold0_seed1"
    done
  done | best "$queue/weight"
}

# The tag differs from that of the trials, which have half as many steps.
asr_tuned() { # CONFIG SEED
  local weight
  weight=$(cat "$queue/weight")
  if [ "$1" = no_se ]; then
    asr no_se 0 "$2" "" --noise-sets held_out
  else
    asr "$1" 0 "$2" "loss_weights.se=$weight" --noise-sets held_out --tag "se$weight-whole"
  fi
}

# --- Invariant representations ---

hybrid() { # CONFIG FOLD SEED KINDS NOISE_SETS [CHANGES OPTIONS...]
  recipe hybrid "$2" "$3" "${6:-}" --noises "$4" --noise-sets "$5" --config "conf/few/$1.yaml" "${@:7}"
}

head_of() { # CONFIG
  if [ "$1" = amtl ]; then echo noise; else echo condition; fi
}

hybrid_with_alpha() { # CONFIG FOLD SEED KINDS NOISE_SETS ALPHA [OPTIONS...]
  hybrid "${@:1:5}" "system.heads.$(head_of "$1").alpha=$6" --tag "alpha$6" "${@:7}"
}

choose_alpha() { # CONFIG NOISE_SETS KINDS
  local alpha count
  for alpha in $alphas; do
    for count in $3; do
      echo "$alpha $work_dir/hybrid/exp/${size}_$2/$1-alpha$alpha-noises${count}_fold0_seed1"
    done
  done | best "$queue/alpha_$1_$2"
}

hybrid_chosen() { # CONFIG FOLD SEED KINDS NOISE_SETS
  local alpha
  alpha=$(cat "$queue/alpha_$1_$5")
  hybrid_with_alpha "$@" "$alpha"
}

# An epoch of parallel copies has twice as many utterances: half the epochs, of the ramp of alpha as well.
hybrid_parallel() { # CONFIG SEED KINDS
  local alpha head changes="training.epochs=4"
  case $1 in
    single) hybrid "$1" 0 "$2" "$3" held_out "$changes" --copies parallel ;;
    multitask) hybrid "$1" 0 "$2" "$3" held_out "$changes system.heads.noise.schedule.epochs=2.5" --copies parallel ;;
    *)
      alpha=$(cat "$queue/alpha_$1_held_out")
      head=system.heads.$(head_of "$1")
      hybrid "$1" 0 "$2" "$3" held_out "$changes $head.alpha=$alpha $head.schedule.epochs=2.5" --tag "alpha$alpha" \
        --copies parallel ;;
  esac
}

# --- The list, the most valuable first ---

asr_items() { # FOLD SEED
  local config
  for config in no_se mtl gr; do item "asr_${config}_fold$1_seed$2" asr "$config" "$1" "$2"; done
}

tuned_items() { # SEED
  local config
  for config in no_se mtl gr; do
    item_after asr_weight_fold0_seed1 "asr_${config}_tuned_fold0_seed$1" asr_tuned "$config" "$1"
  done
}

one_seed_asr_items() { # FOLD: seed 1 of what has one seed
  local config share
  for config in gm pcgrad; do item "asr_${config}_fold$1_seed1" asr "$config" "$1" 1; done
  item "asr_first_fold$1_seed1" asr_first "$1" 1
  for config in joint_{clean,noisy}{,_gr,_no_se,_gm}; do
    item_after "asr_first_fold$1_seed1" "asr_${config}_fold$1_seed1" asr_joint "$config" "$1" 1
  done
  for share in 10 30; do
    for config in no_se mtl gr; do
      item "asr_${config}_share${share}_fold$1_seed1" asr "$config" "$1" 1 "" --train-share "0.${share%0}" \
        --tag "share$share"
    done
  done
}

hybrid_items() { # NOISE_SETS KINDS FOLD SEED
  local count config
  for count in $2; do
    for config in single multitask; do
      item "hybrid_$1_${config}_noises${count}_fold$3_seed$4" hybrid "$config" "$3" "$4" "$count" "$1"
    done
    for config in amtl invariant; do
      item_after "hybrid_alpha_${config}_$1_fold0_seed1" "hybrid_$1_${config}_noises${count}_fold$3_seed$4" \
        hybrid_chosen "$config" "$3" "$4" "$count" "$1"
    done
  done
}

parallel_items() { # SEED
  local count config
  for count in $parallel_kinds; do
    for config in single multitask amtl invariant; do
      item_after "hybrid_alpha_amtl_held_out_fold0_seed1 hybrid_alpha_invariant_held_out_fold0_seed1" \
        "hybrid_parallel_${config}_noises${count}_fold0_seed$1" hybrid_parallel "$config" "$1" "$count"
    done
  done
}

alpha_items() { # NOISE_SETS KINDS
  local config alpha count name trials
  for config in amtl invariant; do
    trials=
    for alpha in $alphas; do
      for count in $2; do
        name=hybrid_trial_$1_${config}_alpha${alpha}_noises${count}_fold0_seed1
        item "$name" hybrid_with_alpha "$config" 0 1 "$count" "$1" "$alpha" --stop-stage 4
        trials+=" $name"
      done
    done
    item_after "$trials" "hybrid_alpha_${config}_$1_fold0_seed1" choose_alpha "$config" "$1" "$2"
  done
}

weight_items() {
  local weight config trials=
  for weight in $weights; do
    for config in mtl gr; do
      item "asr_trial_${config}_se${weight}_fold0_seed1" asr_trial "$config" "$weight"
      trials+=" asr_trial_${config}_se${weight}_fold0_seed1"
    done
  done
  item_after "$trials" asr_weight_fold0_seed1 choose_weight
}

asr_items 0 1
weight_items
tuned_items 1
alpha_items held_out "$trial_kinds"
hybrid_items held_out "$kinds" 0 1
one_seed_asr_items 0
alpha_items generated all
hybrid_items generated all 0 1
parallel_items 1
for seed in 2 3; do
  asr_items 0 "$seed"
  tuned_items "$seed"
  hybrid_items held_out "$kinds" 0 "$seed"
  hybrid_items generated all 0 "$seed"
  parallel_items "$seed"
done
for seed in 1 2 3; do
  for fold in 1 2 3; do
    asr_items "$fold" "$seed"
    hybrid_items held_out "$kinds" "$fold" "$seed"
    if [ "$seed" = 1 ]; then one_seed_asr_items "$fold"; fi
  done
done

# --- Reports ---

report() { # TASK FOLDER NAME SYSTEMS BASELINE OPTIONS...
  nrsr report --exp "$work_dir/$1/exp/$2" --systems "$4" --baseline "$5" --primary=-5,0,5 \
    --out "$work_dir/RESULTS_$3.md" --figure "$work_dir/RESULTS_$3_snr.png" "${@:6}" ||
    echo "$0: RESULTS_$3.md is not written yet" >&2
}

hybrid_report() { # NOISE_SETS NAME TAG NUMBERS: of experiments that end with TAG and one of the numbers
  local amtl invariant systems
  amtl=$(cat "$queue/alpha_amtl_$1") && invariant=$(cat "$queue/alpha_invariant_$1") || return 0
  systems="single-$3*,multitask-$3*,amtl-alpha$amtl-$3*,invariant-alpha$invariant-$3*"
  report hybrid "${size}_$1" "$2" "$systems" single,multitask --columns "$3${4// /,$3}" --also frame_accuracy \
    --gain-figure "$work_dir/RESULTS_$2_gain.png"
}

reports() {
  report asr "$size" remedy no_se,mtl,gr,gm,pcgrad no_se,mtl --gradients "$work_dir/RESULTS_remedy_gradients.png"
  if [ -e "$queue/weight" ]; then
    report asr "${size}_held_out" tuned "no_se,*-se$(cat "$queue/weight")-whole" no_se,mtl
  fi
  report asr "$size" joint 'no_se,mtl,joint_*' no_se,joint_clean,joint_noisy
  report asr "$size" share '*-share10,*-share30' no_se,mtl --columns share10,share30 \
    --gain-figure "$work_dir/RESULTS_share_gain.png"
  hybrid_report held_out few noises "$kinds"
  hybrid_report held_out parallel parallel "$parallel_kinds"
  hybrid_report generated generated noises all
}

if [ "$do" = list ]; then
  list_queue
  exit
fi
if [ "$do" = run ]; then run_queue; fi
exec {lock}>> "$queue/reports.lock"
flock "$lock" # one process after the other
reports > "$queue/reports.log"
if [ "$do" = run ]; then [ ${#failed[@]} -eq 0 ]; fi
