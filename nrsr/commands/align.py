"""Align a data directory: the pdf-id, transition-id and phone of each frame.

Example:
    nrsr align --gmm exp/tri --data data/dev_clean --lang data/lang --out exp/tri_ali_dev --nj 4
    nrsr align --from-parallel exp/tri --data data/train --out exp/tri_ali_train
    nrsr align --from-kaldi exp/tri3_ali --out exp/tri3_ali_nrsr

The first form aligns by transcripts with a GMM of nrsr or Kaldi. The second copies the alignments of clean speech to
the noisy speech that was mixed from it; numbers of frames must agree. The third turns Kaldi's ali.*.gz (with
final.mdl, tree and phones.txt beside them, GMM or not) into nrsr's form. OUT gets ali.scp, trans_ali.scp, phone.ctm,
phones.txt, final.mdl and tree; OUT/unaligned lists utterances without alignment, and why.

A frame of Kaldi's chain alignments is several of the features (frame_subsampling_factor): they give times in phone.ctm,
and no labels for training by frames.
"""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the alignments come from (one of three), the data they are for, and the folder to write."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--gmm", type=Path, metavar="DIR", help="folder of a trained GMM")
    source.add_argument("--from-parallel", type=Path, metavar="DIR", help="folder with alignments of clean speech")
    source.add_argument("--from-kaldi", type=Path, metavar="DIR", help="folder with Kaldi's final.mdl, tree, ali.*.gz")
    parser.add_argument("--data", type=Path, help="data directory with feats.scp, and with --gmm text and cmvn.scp")
    parser.add_argument("--lang", type=Path, help="lang folder, with --gmm; with --from-kaldi if it lacks phones.txt")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--nj", type=int, default=1, metavar="N", help="processes, of one thread each (1)")


def run(args: argparse.Namespace) -> None:
    """Write OUT by the GMM, by the parallel clean speech, or from Kaldi's files."""
    from nrsr.hmm.align_data import align_data, take_kaldi, take_parallel
    from nrsr.hmm.alignments import AlignmentError

    if args.from_kaldi:
        number = take_kaldi(args.from_kaldi, args.out, args.lang)
        print(f"nrsr align: {args.out}: {number} alignments of {args.from_kaldi}", file=sys.stderr)
        return
    if not args.data or (args.gmm and not args.lang):
        raise AlignmentError("--gmm needs --data and --lang, --from-parallel needs --data; see nrsr align --help")
    if args.from_parallel:
        take_parallel(args.from_parallel, args.data, args.out)
    else:
        align_data(args.gmm, args.data, args.lang, args.out, nj=args.nj)
