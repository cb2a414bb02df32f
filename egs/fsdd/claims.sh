#!/usr/bin/env bash
# Measures where gradient remedy and noise-invariant representations hold: all runs in a queue, and the reports of them.
#
# Usage: egs/fsdd/claims.sh [options]
#   --corpus-dir DIR          a clone of the Free Spoken Digit Dataset
#   --noise-dir DIR           the files n1.wav, n2.wav, ... of the 100 nonspeech sounds
#   --work-dir DIR            where data, experiments, marks, logs and results go
#   --only PATTERN            items of these names alone, as 'asr_*', 'hybrid_*' or '*_fold0_*'; items of seed 1 that they
#                             need must be done before    (*)
#   --do run|list|report      list: print the items with their state; report: write the results of what is there    (run)
#   --size full|tiny          tiny: to try the queue    (full)
#
# Start it once for each core, with the same options: the processes share the items, and resume those that were killed.
# A line is printed for each item; its log is DIR/queue/ITEM.log. The results are DIR/RESULTS_*.md, which each process
# writes at its end from the items that are done.
#
# Planned, before any of these runs:
#
#   Gradient remedy. Noise on the fly, Adam with beta2 0.97, utterance normalisation, 2256 steps (24 epochs), four folds.
#   Weights 0.7 recogniser + 0.3 enhancement as published: no_se, mtl, gr with three seeds; gm and pcgrad with one. A
#   weight of the enhancement that is chosen for each fold out of 0.3, 0.03 and 0.003: mtl and gr, one seed. It is the one
#   with the smallest share of wrong units in the mean of mtl and gr after 1128 steps, on development data whose noise is of
#   kinds that are neither trained on nor tested in that fold. In two stages: joint_*, from a recogniser of clean and from
#   one of noisy speech, by the recogniser's loss alone, the sum, modulation and remedy; one seed. With 10 and 30 % of
#   each speaker's strings, over 1128 steps: no_se, mtl, gr; one seed.
#   Primary: WER, mean of -5, 0 and 5 dB, in seen and in unseen noise, with clean speech beside it. Asked: does gr make
#   9.3 % fewer errors than mtl (relative), the interval of the difference without zero, with the weight that is chosen
#   on development data? The other settings tell where it does.
#
#   Invariant representations. Each string is heard once, half of them clean and half in 1, 2, 4 or all (8 to 10) kinds
#   of noise, the kinds with the most recordings first: single, multitask, amtl, invariant; four folds, three seeds.
#   Alpha of amtl and of invariant, for each fold, out of 0.1, 0.3, 1 and 3: that with the fewest frames wrong after
#   training on 2 kinds, seed 1, on development data (half of it clean) with kinds of noise that are neither trained on nor
#   tested in that fold. With one kind the labels of amtl and of invariant are the same; the batches differ. The test
#   sets are the same for every number of kinds: unseen is of kinds that no network is trained on; seen, of other
#   recordings of the kinds of `all`. The same, in fold 0, with 17 generated types to train on, alpha chosen by itself; all
#   real noise is of other kinds then, and seen is other instances of the 17; three seeds. With parallel copies for 1 and
#   all kinds, each string clean and in noise, over half as many epochs and with the same alpha; four folds, one seed.
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

weights="0.3 0.03 0.003"
alphas="0.1 0.3 1 3"
kinds="1 2 4 all"
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

asr_trial() { # CONFIG WEIGHT FOLD
  asr "$1" "$3" 1 "loss_weights.se=$2 training.steps=1128" --noise-sets held_out --tag "se$2" --stop-stage 4
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

choose_weight() { # FOLD
  local weight name
  for weight in $weights; do
    for name in mtl gr; do
      echo "$weight $work_dir/asr/exp/${size}_held_out/$name-se${weight}_fold$1_seed1"
    done
  done | best "$queue/weight_fold$1"
}

asr_tuned() { # CONFIG FOLD
  local weight
  weight=$(cat "$queue/weight_fold$2")
  asr "$1" "$2" 1 "loss_weights.se=$weight" --tag tuned
}

# --- Invariant representations ---

hybrid() { # CONFIG FOLD SEED KINDS NOISE_SETS [CHANGES OPTIONS...]
  recipe hybrid "$2" "$3" "${6:-}" --noises "$4" --noise-sets "$5" --config "conf/few/$1.yaml" "${@:7}"
}

head_of() { # CONFIG
  if [ "$1" = amtl ]; then echo noise; else echo condition; fi
}

alpha_of() { # CONFIG ALPHA: the change of the config
  echo "system.heads.$(head_of "$1").alpha=$2"
}

hybrid_trial() { # CONFIG FOLD KINDS NOISE_SETS ALPHA
  hybrid "$1" "$2" 1 "$3" "$4" "$(alpha_of "$1" "$5")" --tag "alpha$5" --stop-stage 4
}

choose_alpha() { # CONFIG FOLD KINDS NOISE_SETS
  local alpha
  for alpha in $alphas; do
    echo "$alpha $work_dir/hybrid/exp/${size}_$4/$1-alpha$alpha-noises$3_fold$2_seed1"
  done | best "$queue/alpha_$1_$4_fold$2"
}

hybrid_chosen() { # CONFIG FOLD SEED KINDS NOISE_SETS [CHANGES OPTIONS...]
  local alpha
  alpha=$(cat "$queue/alpha_$1_$5_fold$2")
  hybrid "${@:1:5}" "$(alpha_of "$1" "$alpha")${6:+ $6}" "${@:7}"
}

# An epoch of parallel copies has twice as many utterances: half the epochs, of the ramp of alpha as well.
hybrid_parallel() { # CONFIG FOLD KINDS
  local changes="training.epochs=4" ramp=schedule.epochs=2.5
  case $1 in
    single) hybrid "$1" "$2" 1 "$3" held_out "$changes" --copies parallel ;;
    multitask) hybrid "$1" "$2" 1 "$3" held_out "$changes system.heads.noise.$ramp" --copies parallel ;;
    *) hybrid_chosen "$1" "$2" 1 "$3" held_out "$changes system.heads.$(head_of "$1").$ramp" --copies parallel ;;
  esac
}

# --- The list, the most valuable first: other noise recordings, as folds have, say more than other seeds ---

asr_items() { # FOLD SEED
  local config
  for config in no_se mtl gr; do item "asr_${config}_fold$1_seed$2" asr "$config" "$1" "$2"; done
}

tuned_items() { # FOLD
  local weight config name trials=
  for weight in $weights; do
    for config in mtl gr; do
      name=asr_trial_${config}_se${weight}_fold$1_seed1
      item "$name" asr_trial "$config" "$weight" "$1"
      trials+=" $name"
    done
  done
  item_after "$trials" "asr_weight_fold$1_seed1" choose_weight "$1"
  for config in mtl gr; do
    item_after "asr_weight_fold$1_seed1" "asr_${config}_tuned_fold$1_seed1" asr_tuned "$config" "$1"
  done
}

joint_items() { # FOLD
  local config
  item "asr_first_fold$1_seed1" asr_first "$1" 1
  for config in joint_{clean,noisy}{,_gr,_no_se,_gm}; do
    item_after "asr_first_fold$1_seed1" "asr_${config}_fold$1_seed1" asr_joint "$config" "$1" 1
  done
}

share_items() { # FOLD
  local config share
  for share in 10 30; do
    for config in no_se mtl gr; do
      item "asr_${config}_share${share}_fold$1_seed1" asr "$config" "$1" 1 training.steps=1128 \
        --train-share "0.${share%0}" --tag "share$share"
    done
  done
}

alpha_items() { # NOISE_SETS FOLD KINDS
  local config alpha name trials
  for config in amtl invariant; do
    trials=
    for alpha in $alphas; do
      name=hybrid_trial_$1_${config}_alpha${alpha}_fold$2_seed1
      item "$name" hybrid_trial "$config" "$2" "$3" "$1" "$alpha"
      trials+=" $name"
    done
    item_after "$trials" "hybrid_alpha_${config}_$1_fold$2_seed1" choose_alpha "$config" "$2" "$3" "$1"
  done
}

hybrid_items() { # NOISE_SETS KINDS FOLD SEED
  local count config
  for count in $2; do
    for config in single multitask; do
      item "hybrid_$1_${config}_noises${count}_fold$3_seed$4" hybrid "$config" "$3" "$4" "$count" "$1"
    done
    for config in amtl invariant; do
      item_after "hybrid_alpha_${config}_$1_fold$3_seed1" "hybrid_$1_${config}_noises${count}_fold$3_seed$4" \
        hybrid_chosen "$config" "$3" "$4" "$count" "$1"
    done
  done
}

parallel_items() { # FOLD
  local count config
  for count in $parallel_kinds; do
    for config in single multitask amtl invariant; do
      item_after "hybrid_alpha_amtl_held_out_fold$1_seed1 hybrid_alpha_invariant_held_out_fold$1_seed1" \
        "hybrid_parallel_${config}_noises${count}_fold$1_seed1" hybrid_parallel "$config" "$1" "$count"
    done
  done
}

folds="0 1 2 3"
for fold in $folds; do asr_items "$fold" 1; done
for fold in $folds; do
  alpha_items held_out "$fold" 2
  hybrid_items held_out "$kinds" "$fold" 1
done
for fold in $folds; do tuned_items "$fold"; done
for fold in $folds; do joint_items "$fold"; done
alpha_items generated 0 all
for seed in 1 2 3; do hybrid_items generated all 0 "$seed"; done
for fold in $folds; do
  share_items "$fold"
  parallel_items "$fold"
  for config in gm pcgrad; do item "asr_${config}_fold${fold}_seed1" asr "$config" "$fold" 1; done
done
for seed in 2 3; do
  for fold in $folds; do
    asr_items "$fold" "$seed"
    hybrid_items held_out "$kinds" "$fold" "$seed"
  done
done

# --- Reports ---

report() { # TASK FOLDER NAME SYSTEMS BASELINE OPTIONS...
  nrsr report --exp "$work_dir/$1/exp/$2" --systems "$4" --baseline "$5" --primary=-5,0,5 \
    --out "$work_dir/RESULTS_$3.md" --figure "$work_dir/RESULTS_$3_snr.png" "${@:6}" ||
    echo "$0: RESULTS_$3.md is not written yet" >&2
}

hybrid_report() { # NOISE_SETS NAME TAG NUMBERS: of experiments that end with TAG and one of the numbers
  report hybrid "${size}_$1" "$2" "single-$3*,multitask-$3*,amtl-$3*,invariant-$3*" single,multitask \
    --columns "$3${4// /,$3}" --also frame_accuracy --gain-figure "$work_dir/RESULTS_$2_gain.png"
}

reports() {
  report asr "$size" remedy 'no_se,mtl,gr,gm,pcgrad,*-tuned' no_se,mtl \
    --gradients "$work_dir/RESULTS_remedy_gradients.png"
  report asr "$size" joint 'no_se,mtl,joint_*' no_se,joint_clean,joint_noisy
  report asr "$size" share '*-share10,*-share30' mtl,no_se --columns share10,share30 \
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
