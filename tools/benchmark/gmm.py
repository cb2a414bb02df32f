"""How fast GMMs are trained and utterances aligned, in multiples of real time on one core.

Example:
    python tools/benchmark/gmm.py --data data/train_clean --lang data/lang --gmm exp/mono
    python tools/benchmark/gmm.py --corpus-dir fsdd

The first form times a trained GMM on its data (feats.scp, cmvn.scp, text). The second makes both in a temporary folder:
strings of real digits, MFCC, a lang folder, and monophones of the size that --gaussians names.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nrsr.commands.main import main as nrsr
from nrsr.hmm.aligner import Beams
from nrsr.hmm.gmm_folder import load_settings, open_features
from nrsr.hmm.model import Model, read_model
from nrsr.hmm.share import Share
from nrsr.hmm.train_tri import TriSettings, grow
from nrsr.hmm.transcripts import Transcripts, read_transcripts, shares
from nrsr.kaldi.lang import Lang

REPEATS = 3
FEATURES = "sample_rate: 8000\nfeatures: {class: nrsr.signal.Mfcc, use_energy: false}\n"


def best_time(work: Callable[[], object]) -> tuple[float, float]:
    """Shortest of some runs: seconds on the wall and of the processor, which differ where others use the machine."""
    walls, processors = [], []
    for _ in range(REPEATS):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def prepared(folder: Path, corpus: Path, noises: Path, gaussians: int) -> tuple[Path, Path, Path]:
    """Data, lang and GMM folder of real digits."""
    data, lang, gmm = folder / "train_clean", folder / "lang", folder / "mono"
    (folder / "feats.yaml").write_text(FEATURES)
    (folder / "gmm.yaml").write_text(f"mono: {{gaussians: {gaussians}, iterations: 20, grow_until: 15}}\n")
    for command in (
        f"prepare fsdd --corpus-dir {corpus} --noise-dir {noises} --out {folder}",
        f"make-feats --config {folder}/feats.yaml {data}",
        f"compute-cmvn {data}",
        f"prepare-lang --text {data}/text --guess {lang}",
        f"train-gmm mono --data {data} --lang {lang} --exp {gmm} --config {folder}/gmm.yaml",
    ):
        if nrsr(command.split()):
            raise SystemExit(f"gmm.py: nrsr {command} failed")
    return data, lang, gmm


def times_of(share: Share, model: Model, lang: Lang) -> dict[str, tuple[float, float]]:
    """Seconds of each step on one share, on the wall and of the processor."""
    share.compile(model.transitions, model.tree)
    share.align(model.gmm, model.transitions.log_probs, Beams())
    statistics = share.tree_statistics(model.transitions, lang.silence)
    topology = model.transitions.topology
    return {
        "training graphs": best_time(lambda: share.compile(model.transitions, model.tree)),
        "alignment": best_time(lambda: share.align(model.gmm, model.transitions.log_probs, Beams())),
        "EM statistics": best_time(lambda: share.statistics(model.gmm)),
        "MLLT statistics": best_time(lambda: share.mllt_statistics(model.gmm)),
        "tree statistics": best_time(lambda: share.tree_statistics(model.transitions, lang.silence)),
        "tree of 200 leaves": best_time(lambda: grow(statistics, topology, lang, TriSettings(leaves=200))),
        "likelihoods of all pdfs": best_time(lambda: model.gmm.log_likelihoods(share.features)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--lang", type=Path)
    parser.add_argument("--gmm", type=Path)
    parser.add_argument("--corpus-dir", type=Path, help="the Free Spoken Digit Dataset")
    parser.add_argument("--noise-dir", type=Path, help="its noises, which prepare fsdd checks; beside it if left out")
    parser.add_argument("--gaussians", type=int, default=1000)
    parser.add_argument("--utterances", type=int, default=500, help="at most so many are timed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, lang_folder, gmm = args.data, args.lang, args.gmm
        if args.corpus_dir:
            noises = args.noise_dir or args.corpus_dir.parent / "nonspeech"
            data, lang_folder, gmm = prepared(Path(folder), args.corpus_dir, noises, args.gaussians)
        elif not (data and lang_folder and gmm):
            parser.error("give --data, --lang and --gmm, or --corpus-dir")
        lang, model, settings = Lang.load(lang_folder), read_model(gmm), load_settings(gmm)
        stored = open_features(gmm, model, data)
        all_words = read_transcripts(data, lang, stored).words
        some = Transcripts(dict(list(all_words.items())[: args.utterances]), {}, {})
        share = Share(shares(some, stored, lang_folder, lang, 1)[0])
        speech = len(share.features) * settings.frame_shift
        size = f"{model.gmm.num_pdfs} pdfs, {model.gmm.num_gaussians} Gaussians"
        print(f"{len(share.names)} utterances, {speech:.0f} s; {size}; one core")
        for what, (wall, processor) in times_of(share, model, lang).items():
            rates = (
                f"{speech / wall:6.0f} x real time on the wall, {speech / max(processor, 1e-9):6.0f} of the processor"
            )
            print(f"{what:24} {wall:8.3f} s: {rates}")
        aligned = np.mean([number not in share.failed for number in range(len(share.names))])
        print(f"{100 * aligned:.1f} % of the utterances aligned")


if __name__ == "__main__":
    main()
