#!/usr/bin/env bash
# Vocoders on acted sentences, 16 kHz: of speakers that they were trained on (seen) and of others (unseen).
#
# Usage: egs/ravdess/voc/run.sh --corpus-dir RAVDESS [options]
#   --corpus-dir DIR          RAVDESS, the folder that holds Actor_01, Actor_02, ...
#   --config "A.yaml B.yaml"  vocoders to train and compare    (melgan, parallel_wavegan and hifigan of conf/)
#   --untrained "A.yaml"      rows that need no training    (Griffin-Lim and WORLD)
#   --fold 0|1|2|3            which speakers are unseen    (0)
#   --tested N                recordings of each test set    (120)
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
corpus_dir=
config="conf/melgan.yaml conf/parallel_wavegan.yaml conf/hifigan.yaml"
untrained="conf/griffin_lim.yaml ../../../utils/conf/voc/world.yaml"
fold=0
tested=120
begin voc "$@"

corpus=$work_dir/data/fold${fold}
data=$work_dir/data/fold${fold}_voc
experiments=$work_dir/exp
variant=_fold$fold
test_sets=test_seen,test_unseen
over_speakers=true # unseen are the speakers, six of them

# Some recordings of the training speakers are tested, and the others trained on.
divide() {
  mkdir -p "$data"
  nrsr subset-data --random "$tested" "$corpus/train_clean" "$data/test_seen"
  grep -vFf <(cut -d' ' -f1 "$data/test_seen/utt2spk") "$corpus/train_clean/utt2spk" > "$data/trained"
  nrsr subset-data --utt-list "$data/trained" "$corpus/train_clean" "$data/train"
  nrsr subset-data --random "$tested" "$corpus/test_clean" "$data/test_unseen"
  nrsr subset-data --random "$((tested / 4 + 1))" "$corpus/dev_clean" "$data/dev"
}

given_corpus
prepare_data "$corpus" ravdess --corpus-dir "$corpus_dir" --fold "$fold"
keep_options 1 "$data" tested
if in_stages 1 "seen and unseen speakers"; then once "$data/.done/speakers" divide; fi
voc_stages
