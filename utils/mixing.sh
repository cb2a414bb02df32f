# shellcheck shell=bash
# Sourced by the stages of the recipes that make their noisy data: stage 1.
#
# run.sh sets: data (folder of data directories, with train_clean, dev_clean, test_clean and the noises), perhaps snrs and
# test_copies (mixtures of each test utterance; as many as there are SNRs, and each is heard at all of them).

mix() { # SPEECH NOISE OUT [OPTIONS...]
  once "$data/.done/$3" nrsr mix --speech "$data/$1" --noise "$data/$2" "--snr=${snrs:--5,0,5,10,15}" --active \
    --out "$data/$3" "${@:4}"
}

mix_sets() { # [SUFFIX]: of the training and development sets
  mix train_clean noise_train "train${1:-}"
  mix dev_clean noise_dev "dev${1:-}"
  mix test_clean noise_seen test_seen --copies "${test_copies:-1}"
  mix test_clean noise_unseen test_unseen --copies "${test_copies:-1}"
}
