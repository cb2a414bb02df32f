"""Log-likelihoods of a GMM's pdfs for a whole data directory, decoded as those of a neural network are."""

import functools
import time
from pathlib import Path

import numpy as np

from nrsr.hmm.gmm_folder import open_features
from nrsr.hmm.graph_folder import read_num_pdfs
from nrsr.hmm.model import read_model
from nrsr.inference.listing import shown
from nrsr.inference.recogniser import DecodingError
from nrsr.inference.senone_scores import HybridJob, Scored, write_likelihoods
from nrsr.kaldi import DataDir, TableWriter
from nrsr.progress import track
from nrsr.workers import run_work


def is_gmm(folder: Path) -> bool:
    """Whether a folder holds a GMM of train-gmm or Kaldi, and no experiment of train."""
    return (folder / "final.mdl").is_file() and not (folder / "config.yaml").is_file()


class GmmScorer:
    """Scores batches of utterances; made once in each worker."""

    def __init__(self, folder: Path, data: Path, allow_pipes: bool):
        model = read_model(folder)
        self._gmm, self._features = model.gmm, open_features(folder, model, data, allow_pipes=allow_pipes)

    def __call__(self, batch: list[str]) -> dict[str, np.ndarray]:
        return {name: self._gmm.log_likelihoods(self._features[name]) for name in batch}


def write_scores(job: HybridJob, data: DataDir, out: Path, *, nj: int = 1, allow_pipes: bool = False) -> Scored:
    """Write out/loglikes.ark and .scp of a GMM or a hybrid system, whichever `job.exp` is.

    A GMM gives float32 [frames, pdfs], log p(frame | pdf). They do not depend on `nj`.

    Raises:
        DecodingError: utterances without features, or a graph of another model.
        ModelFileError, ConfigError, FeaturesError: broken files.
    """
    if not is_gmm(job.exp):
        return write_likelihoods(job, data, out, nj=nj, allow_pipes=allow_pipes)
    started = time.perf_counter()
    model = read_model(job.exp)
    features = open_features(job.exp, model, data.path, allow_pipes=allow_pipes)
    if bad := [name for name in data.utterances if features.reason_against(name)]:
        reason = features.reason_against(bad[0])
        raise DecodingError(
            f"{data.path}: {len(bad)} utterances cannot be scored ({reason}): {shown(bad)}; fix the data"
        )
    check_graph(job, model.gmm.num_pdfs)
    frames = features.frames(data.utterances)
    names = [name for name in frames if frames[name]]
    size = job.settings.batch_size
    batches = [names[start : start + size] for start in range(0, len(names), size)]
    out.mkdir(parents=True, exist_ok=True)
    make_work = functools.partial(GmmScorer, job.exp, data.path, allow_pipes)
    with TableWriter(f"ark,scp:{out}/loglikes.ark,{out}/loglikes.scp") as writer:
        for scores in track(run_work(make_work, batches, nj), f"batches of {data.path} scored", len(batches)):
            for name, values in scores.items():
                writer[name] = values
    return Scored(out / "loglikes.scp", frames, time.perf_counter() - started)


def check_graph(job: HybridJob, pdfs: int) -> None:
    """Refuse a graph that was made of another model.

    Raises:
        FstError: no graph folder.
        DecodingError: one with another number of pdfs.
    """
    if job.graph is None:
        return
    if (found := read_num_pdfs(job.graph)) != pdfs:
        raise DecodingError(f"{job.graph}: is for {found} pdfs, {job.exp} has {pdfs}; take the graph of its model")
