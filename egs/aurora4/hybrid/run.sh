#!/usr/bin/env bash
# Aurora-4: invariant representations and adversarial multi-task learning with networks of the published size.
#
# Usage: egs/aurora4/hybrid/run.sh --corpus-dir AURORA4 --wsj0-dir WSJ0 [options]
#   --corpus-dir DIR          Aurora-4, the folder that holds lists/    (needed by stage 0)
#   --wsj0-dir DIR            WSJ0, for transcripts and the language model    (needed by stages 0 and 3)
#   --noise-list FILE         `utterance noise` lines, if the multi-condition list does not name the noises
#   --lexicon FILE            Kaldi's lexicon.txt    (from CMUdict, which stage 3 downloads)
#   --lm NAME                 language model of WSJ0's lng_modl/base_lm: bcb05cnp, tcb05cnp, ...    (bcb05cnp)
#   --noises "1 2 3 4 5 6 all"  how many kinds of noise, added one by one, networks are trained with    (all)
#   --config "A.yaml B.yaml"  networks to train and compare    (single, multitask, amtl and invariant of conf/)
#   --scales 0.1,0.2          acoustic scales to try on development data    (0.05,0.07,0.1,0.13)
#   --probe-layer N           hidden layer from which probes classify the noise    (4)
#
# The default of --nj is 4 here.
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/single.yaml conf/multitask.yaml conf/amtl.yaml conf/invariant.yaml"
corpus_dir=
wsj0_dir=
noise_list=
lexicon=
lm=bcb05cnp
noises=all
scales=0.05,0.07,0.1,0.13
probe_layer=4
nj=4
begin hybrid "$@"

data=$work_dir/data
experiments=$work_dir/exp
groups=test_A,test_B,test_C,test_D
test_sets=$groups
report_sets=$groups,test_0330
gmm_variant= # the GMMs are the same whatever noise the networks are trained with
probe_sets=test_B
cmvn_by=speaker
lang=$work_dir/data/lang_$lm
grammar=(--arpa "$lang.arpa")

# The words of the language model and of the training sentences, with CMUdict's phones without stress.
make_lang() {
  local packed
  packed=$(find -L "${wsj0_dir:-nowhere}" -iname "$lm.z" -print -quit)
  if [ -z "$packed" ]; then
    echo "$0: there is no $lm.z below '$wsj0_dir'; give the folder of WSJ0 with doc/lng_modl/base_lm as --wsj0-dir" >&2
    return 1
  fi
  gzip -cdf < "$packed" | sed -n '/^\\data\\/,$p' > "$lang.arpa"
  sed -n '/^\\1-grams:/,/^\\2-grams:/p' "$lang.arpa" | awk 'NF > 1 && $2 !~ /^<.*>$/ { print $2 }' > "$lang.words"
  if [ -z "$lexicon" ]; then
    lexicon=$work_dir/data/cmudict.txt
    curl -fsSL -o "$lexicon.raw" https://raw.githubusercontent.com/cmusphinx/cmudict/master/cmudict.dict
    sed 's/ *#.*//; s/^\([^ ]*\)([0-9]*) /\1 /; s/\([A-Z]\)[0-2]\( \|$\)/\1\2/g' "$lexicon.raw" |
      awk '{ $1 = toupper($1); print }' | sort -u > "$lexicon"
  fi
  cut -d ' ' -f 2- "$data/train_clean/text" | tr ' ' '\n' | sort -u - "$lang.words" > "$lang.wanted"
  awk 'NR == FNR { wanted[$1]; next } $1 in wanted' "$lang.wanted" "$lexicon" > "$lang.lexicon"
  nrsr prepare-lang --lexicon "$lang.lexicon" --text "$data/train_clean/text" --words "$lang.words" --guess \
    --position-dependent "$lang"
}

# 40 sentences in each of the fourteen conditions; and the same sentences by the first microphone without noise.
development_sets() {
  cut -d ' ' -f 1 "$data/dev_0330/wav.scp" | sed -n 's/0$//p' | awk 'NR % 8 == 1 && count++ < 40' > "$data/dev.sentences"
  sed 's/$/0/' "$data/dev.sentences" > "$data/dev.clean"
  awk '{ for (n = 1; n <= 14; n++) print $1 substr("0123456789abcd", n, 1) }' "$data/dev.sentences" > "$data/dev.all"
  nrsr subset-data --utt-list "$data/dev.clean" "$data/dev_0330" "$data/dev_clean"
  nrsr subset-data --utt-list "$data/dev.all" "$data/dev_0330" "$data/dev"
}

# The fourteen sets have the same words, so that the WER of all together is the average of the fourteen.
score_sets() { # EXPERIMENT
  mkdir -p "$1/decode_test_0330"
  LC_ALL=C sort "$1"/decode_test_[ABCD]/text > "$1/decode_test_0330/text"
  run_jobs.sh --max-jobs "$nj" "SET=$report_sets" "$1/log/score_{SET}.log" \
    nrsr score-wer --data "$data/{SET}" --out "$1/decode_{SET}/score" "$data/{SET}/text" "$1/decode_{SET}/text"
}

wsj0_dir=${wsj0_dir:+$(find_dir "$wsj0_dir")}
lexicon=${lexicon:+$(absolute "$lexicon")}
noise_list=${noise_list:+$(absolute "$noise_list")}
keep_options 3 "$experiments" lm lexicon
given_corpus
prepare_data "$data" aurora4 --corpus-dir "$corpus_dir" ${wsj0_dir:+--wsj0-dir "$wsj0_dir"} \
  ${noise_list:+--noise-list "$noise_list"}
if in_stages 1 "development sets"; then
  once "$data/.done/dev" development_sets
fi
for count in $noises; do
  train_set=train_noises$count
  variant=-noises$count
  if [ "$count" = all ]; then train_set=train_multi variant=; fi
  hybrid_stages
done
