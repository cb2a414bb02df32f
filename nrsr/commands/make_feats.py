"""Compute the features of data directories: feats.ark, feats.scp and utt2num_frames.

Example:
    nrsr make-feats --config conf/fbank.yaml --nj 4 data/train data/dev

with conf/fbank.yaml holding, for instance,
    sample_rate: 8000
    features: {class: nrsr.signal.Fbank, num_mel_bins: 40}

The class may be nrsr.signal.Fbank, Mfcc or LogMel, or any other FeatureExtractor. Features with weights, as
nrsr.nn.SslFeatures, get these by `init`, as in a training:
    sample_rate: 16000
    features: {class: nrsr.nn.SslFeatures, model: wavlm_base, layer: 9}
    init: {features.network: {from: wavlm_base.pt}}

The config of a system that has features serves as well, as a vocoder's. A definition of the features, where they have
one, is written beside them as feats.yaml; statistics of earlier features (cmvn.scp) are removed. The features do not
depend on --nj. With --print-name nothing is computed: the command prints a name of the definition, by which the voc
recipes name the folders of mels, and nothing for a system that takes no features.
"""

import argparse
import functools
import sys

from nrsr.arguments import add_channel
from nrsr.config import ConfigError, check_keys, load_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The data directories, the config that describes the features, and how to store them."""
    parser.add_argument("data", metavar="DATA", nargs="*", help="data directories")
    parser.add_argument("--config", required=True, help="YAML file with sample_rate and features, or of a vocoder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    parser.add_argument("--print-name", action="store_true", help="print a name of the features' definition alone")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes, of one thread each (1)")
    parser.add_argument("--compress", action="store_true", help="write lossy 8-bit matrices")
    add_channel(parser)
    parser.add_argument("--allow-pipes", action="store_true", help="run the commands that wav.scp may hold")


def run(args: argparse.Namespace) -> None:
    """Write feats.scp of each data directory, or print the name of the features."""
    from nrsr.data.mel_inputs import features_of
    from nrsr.datadirs.feature_definition import name_of
    from nrsr.datadirs.features import make_features
    from nrsr.experiment.modules import initialise_extractor
    from nrsr.experiment.settings import parse_init
    from nrsr.folders import making
    from nrsr.kaldi import DataDir

    config = load_yaml(args.config, args.set)
    if bool(args.data) == args.print_name:
        raise ConfigError("nrsr make-feats: give data directories, or --print-name alone")
    if args.print_name:
        if "features" in config.get("system", {}):
            print(name_of(features_of(config).definition()))
        return
    if isinstance(system := config.get("system"), dict) and "features" in system:
        # What `init` says of the system's other modules does not concern the features.
        init = {name: entry for name, entry in (config.get("init") or {}).items() if name.split(".")[0] == "features"}
        config = {"sample_rate": config.get("sample_rate"), "features": system["features"], "init": init}
    check_keys(config, ("sample_rate", "features", "init"), args.config)
    for key in ("sample_rate", "features"):
        if key not in config:
            raise ConfigError(f"{args.config}: lacks the key {key}; `nrsr make-feats --help` shows an example")
    if not isinstance(config["sample_rate"], int) or config["sample_rate"] < 1:
        raise ConfigError(f"{args.config}: sample_rate {config['sample_rate']!r}: give samples a second, as 8000")
    fill = functools.partial(initialise_extractor, init=parse_init(config.get("init") or {}))
    options = {"nj": args.nj, "compress": args.compress, "allow_pipes": args.allow_pipes, "fill": fill}
    for data in args.data:
        with making(data, "nrsr make-feats", anew=False):
            directory = DataDir(data, channel=args.channel)
            done = make_features(directory, config["features"], config["sample_rate"], **options)
        print(f"nrsr make-feats: {data}/feats.scp: {done} utterances", file=sys.stderr)
