#!/usr/bin/env bash
# CHiME-4, single-channel track: gradient remedy against multi-task learning, with the published model and schedule.
#
# Usage: egs/chime4/asr/run.sh --corpus-dir CHIME4 [options]
#   --corpus-dir DIR          CHiME-4, the folder that holds data/    (needed by stage 0)
#   --wsj0-dir DIR            WSJ0, for the text of the simulated training data    (CORPUS_DIR/data/WSJ0)
#   --channels 1,2,3,4,5,6    microphones to train on, each utterance once for each; give a --tag with another choice
#   --config "A.yaml B.yaml"  systems to train and compare    (no_se, mtl, pcgrad, gr and gm of conf/)
#   --ssl FILE                weights of WavLM Large, for conf/wavlm.yaml and conf/wavlm_convtasnet.yaml
. "$(dirname "${BASH_SOURCE[0]}")/../../../utils/recipe.sh"
config="conf/no_se.yaml conf/mtl.yaml conf/pcgrad.yaml conf/gr.yaml conf/gm.yaml"
corpus_dir=
wsj0_dir=
channels=1,2,3,4,5,6
ssl=
begin asr "$@"

data=$work_dir/data/ch${channels//,/}
experiments=$work_dir/exp
test_sets=dt05_real,dt05_simu,et05_real,et05_simu

if [[ $config == *wavlm* ]]; then
  [ -n "$ssl" ] && [ -e "$(absolute "$ssl")" ] || {
    echo "$0: --ssl $ssl: no such file; give the weights of WavLM Large" >&2
    exit 1
  }
  ssl=$(absolute "$ssl")
fi
train_options() { # CONFIG SEED
  case $(basename "$1" .yaml) in
    wavlm*) echo "--set=init.features.network.from=$ssl" ;;
  esac
}

# Decoding takes a language model over the units of the training sentences, each once although all channels recorded it.
decode_sets() {
  cut -d ' ' -f 2- "$data/train/text" | LC_ALL=C sort -u > "$1/lm.txt"
  nrsr make-lm --plain --order 4 --units "$1/units" "$1/lm.txt" "$1/lm.arpa"
  decode_all "$1" --lm "$1/lm.arpa"
}

keep_option_of 'wavlm*' 4 ssl
given_corpus
if [ -n "$wsj0_dir" ] && [ "$stage" -le 0 ]; then wsj0_dir=$(find_dir "$wsj0_dir"); fi
prepare_data "$data" chime4 --corpus-dir "$corpus_dir" ${wsj0_dir:+--wsj0-dir "$wsj0_dir"} --channels "$channels"
if in_stages 1 "training and development data, real and simulated"; then
  once "$data/.done/train" ln -sfn tr05 "$data/train"
  once "$data/.done/dev" nrsr combine-data "$data/dev" "$data/dt05_simu" "$data/dt05_real"
fi
asr_stages
