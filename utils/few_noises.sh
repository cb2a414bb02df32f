# shellcheck shell=bash
# Sourced by the run.sh of hybrid recipes: stage 1 for networks that are trained on noise of a few kinds. Without
# parallel copies they are trained on each string once, half of the strings clean and half in noise; with them, on each
# string clean and in noise.
#
# run.sh sets: data (its data directories, as mix_sets_with_clean takes them), noises (numbers of kinds, or all), copies
# (none or parallel).

# check_noises: ends the run where --noises or --copies holds anything else.
check_noises() {
  local count
  if [ "$copies" != none ] && [ "$copies" != parallel ]; then
    echo "$0: --copies takes none or parallel, not '$copies'" >&2
    exit 1
  fi
  for count in $noises; do
    if [[ ! $count =~ ^([1-9][0-9]*|all)$ ]]; then
      echo "$0: --noises takes numbers of kinds of noise, or all, not '$count'" >&2
      exit 1
    fi
  done
}

# few_noises COUNT: the end of the names of the training set and of its experiments.
few_noises() {
  if [ "$copies" = parallel ]; then echo "parallel$1"; else echo "noises$1"; fi
}

# training_kinds COUNT: the kinds of noise to train on, those with the most recordings first, so that they are added one
# by one as COUNT grows.
training_kinds() {
  local kinds
  kinds=$(cut -d ' ' -f 2 "$data/noise_train/utt2noise" | sort | uniq -c | sort -k 1,1nr -k 2,2 | awk '{ print $2 }')
  if [ "$1" = all ]; then
    echo "$kinds"
  elif [ "$1" -gt "$(wc -l <<< "$kinds")" ]; then
    echo "$0: --noises $1: $data/noise_train has $(wc -l <<< "$kinds") kinds; take fewer, or all" >&2
    return 1
  else
    head -n "$1" <<< "$kinds"
  fi
}

# Every other string stays clean, so that each speaker has both.
split_strings() {
  mkdir -p "$data/halves"
  awk -v half=1 'NR % 2 == half { print $1 }' "$data/train_clean/utt2spk" > "$data/halves/clean"
  awk -v half=0 'NR % 2 == half { print $1 }' "$data/train_clean/utt2spk" > "$data/halves/noisy"
  nrsr subset-data --utt-list "$data/halves/clean" "$data/train_clean" "$data/train_half_clean"
  nrsr subset-data --utt-list "$data/halves/noisy" "$data/train_clean" "$data/train_half"
}

choose_noises() { # COUNT
  mkdir -p "$data/kinds"
  training_kinds "$1" > "$data/kinds/$1"
  awk 'NR == FNR { kinds[$1]; next } $2 in kinds { print $1 }' "$data/kinds/$1" "$data/noise_train/utt2noise" \
    > "$data/kinds/$1.noises"
  nrsr subset-data --utt-list "$data/kinds/$1.noises" "$data/noise_train" "$data/noise_train_$1"
}

mix_few_noises() {
  local count
  mix dev_clean noise_dev dev_noisy
  mix test_clean noise_seen test_seen
  mix test_clean noise_unseen test_unseen
  once "$data/.done/dev" with_clean "$data/dev_clean" "$data/dev_noisy" "$data/dev"
  if [ "$copies" = none ]; then once "$data/.done/halves" split_strings; fi
  for count in $noises; do
    once "$data/.done/noise_train_$count" choose_noises "$count"
    if [ "$copies" = none ]; then
      mix train_half "noise_train_$count" "train_half_noises$count"
      once "$data/.done/train_noises$count" nrsr combine-data "$data/train_noises$count" "$data/train_half_clean" \
        "$data/train_half_noises$count"
    else
      mix train_clean "noise_train_$count" "train_noisy_parallel$count"
      once "$data/.done/train_parallel$count" with_clean "$data/train_clean" "$data/train_noisy_parallel$count" \
        "$data/train_parallel$count"
    fi
  done
}
