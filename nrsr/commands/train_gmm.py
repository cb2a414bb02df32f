"""Train a GMM-HMM: monophones from transcripts, or triphones with tied states from alignments, also with LDA+MLLT.

Example:
    nrsr train-gmm mono --data data/train_clean --lang data/lang --exp exp/mono --nj 4
    nrsr train-gmm tri --ali exp/mono --config conf/gmm.yaml --data data/train_clean --lang data/lang --exp exp/tri
    nrsr train-gmm lda --ali exp/tri --config conf/gmm.yaml --data data/train_clean --lang data/lang --exp exp/lda

DATA has feats.scp and cmvn.scp (MFCC as a rule); deltas are added, but for lda, which splices frames instead. EXP gets
final.mdl and tree, of lda final.mat too, in Kaldi's form, and alignments of DATA: ali.scp (pdf-ids), trans_ali.scp
(transition-ids), phone.ctm; EXP/unaligned lists utterances that have none. All settings are Kaldi's defaults unless the
config says otherwise:
    features: {cmvn: mean, deltas: 2, delta_window: 2}
    alignment: {beam: 10, retry_beam: 40}
    mono: {gaussians: 1000, iterations: 40, grow_until: 30, power: 0.25}
    tri: {leaves: 2000, gaussians: 10000, iterations: 35, grow_until: 25, power: 0.25, min_gain: 300, cluster_gain: -1}
    lda: {context: 3, dim: 40, and all keys of tri}
    frame_shift: 0.01
"""

import argparse
from pathlib import Path

from nrsr.arguments import seed_number
from nrsr.config import ConfigError, load_yaml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The kind of GMM, its data and lang folder, the settings, and the alignments to start from."""
    parser.add_argument("kind", choices=("mono", "tri", "lda"), help="what to train")
    parser.add_argument("--data", type=Path, required=True, help="data directory with text, feats.scp and cmvn.scp")
    parser.add_argument("--lang", type=Path, required=True, help="lang folder, of nrsr prepare-lang or Kaldi")
    parser.add_argument("--exp", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--ali", type=Path, metavar="DIR", help="for tri and lda: folder with alignments of DATA")
    parser.add_argument("--config", help="YAML file with settings")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes, of one thread each (1)")
    parser.add_argument("--seed", type=seed_number, default=0, help="seed of random splits (0)")


def run(args: argparse.Namespace) -> None:
    """Train the GMM from transcripts (mono) or from alignments (tri, lda), and align the data with it."""
    from nrsr.hmm.alignments import AlignmentError
    from nrsr.hmm.gmm_folder import settings_of
    from nrsr.hmm.train_gmm import train_gmm

    if (args.kind != "mono") != (args.ali is not None):
        raise AlignmentError("triphones need --ali, a folder with alignments of the data, and monophones take none")
    if args.set and not args.config:
        raise ConfigError("--set changes values of a config; give it with --config")
    settings = settings_of(load_yaml(args.config, args.set) if args.config else {}, args.config or "defaults")
    train_gmm(args.kind, args.data, args.lang, args.exp, settings, alignments=args.ali, nj=args.nj, seed=args.seed)
