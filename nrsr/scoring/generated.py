"""Generated utterances beside real ones, by a classifier of their corpus: the scores table of one set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nrsr.config import settings_from
from nrsr.data.batch import padded
from nrsr.data.labels import LabelSettings
from nrsr.experiment.folder import Experiment
from nrsr.kaldi import DataDir
from nrsr.listing import listed
from nrsr.progress import track
from nrsr.scoring.labels import ScoringError
from nrsr.scoring.neighbours import Nearest, mean_distances, nearest
from nrsr.scoring.shares import frechet_shares, inception_shares, over_splits, random_splits
from nrsr.scoring.table import UNKNOWN, ScoreTable
from nrsr.systems import Classifier

BATCH = 64
COMPARED = 1000  # utterances whose neighbours are looked for, as many as WaveGAN's authors took
COPY = 0.5  # of the smallest distance of real recordings that were held out: what is nearer counts as a copy
METRICS = ("inception", "frechet", "accuracy", "nearest", "diversity")


@dataclass(frozen=True)
class Seen:
    """What the classifier sees of a data directory.

    Attributes:
        names: utterances [N].
        posteriors: of the classes [N, K].
        embeddings: the last hidden layer [N, E].
        labels: class number [N] by the list of labels; None where the directory has no such list.
    """

    names: list[str]
    posteriors: np.ndarray
    embeddings: np.ndarray
    labels: np.ndarray | None

    def classes(self) -> np.ndarray:
        """The class of each utterance [N]: its label, or else what the classifier takes it for."""
        return self.posteriors.argmax(1) if self.labels is None else self.labels


@dataclass(frozen=True)
class Scored:
    """The scores of a set.

    Attributes:
        table: a row for each utterance.
        copies: utterances that are copies -> the training utterance that they copy.
        inception_deviation: standard deviation of the inception score over the splits, as it is published.
    """

    table: ScoreTable
    copies: dict[str, str]
    inception_deviation: float


class SetScorer:
    """Scores sets of generated utterances by a classifier of the corpus.

    Args:
        experiment: a trained classifier.
        train: real utterances with labels, which the generators were trained on.
        held_out: real utterances that nobody was trained on.

    Attributes:
        accuracy: of the classifier on `train`, in %.

    Raises:
        ScoringError: an experiment of another kind, or utterances of another corpus.
        NrsrError: directories or audio that cannot be read, or have another rate.
    """

    def __init__(self, experiment: Experiment, train: str | Path, held_out: str | Path):
        if not isinstance(experiment.system, Classifier):
            kind = type(experiment.system).__name__
            raise ScoringError(f"{experiment.path}: is a {kind}, and a classifier is wanted; give its experiment")
        self.system, self.path = experiment.system, experiment.path
        if self.system.length is None:
            raise ScoringError(f"{self.path}: classifies waveforms of any length; train one with system.samples")
        settings = experiment.config["data"]["labels"][self.system.kind]
        self._list = settings_from(LabelSettings, settings, "data.labels").file
        self.train, held_out_data = DataDir(train), DataDir(held_out)
        if held_out_data.path.resolve() == self.train.path.resolve():
            raise ScoringError(f"{held_out}: is the training data; give recordings that nobody was trained on")
        self.seen = self._look_at(self.train)
        if self.seen.labels is None:
            raise ScoringError(f"{Path(train) / self._list}: no such list; the training data must have labels")
        self.accuracy = 100.0 * float((self.seen.posteriors.argmax(1) == self.seen.labels).mean())
        known = self._nearest(self._images(held_out_data, _some(held_out_data.utterances)), [], same=False)
        # Silence, in both sets, is no measure of how near recordings are.
        distances = known.distances[known.distances > 0]
        if not len(distances):
            raise ScoringError(f"{held_out}: every utterance is in {train} as well; give recordings of their own")
        self.usual, self.least = float(known.distances.mean()), float(distances.min())
        rows = _some(range(len(self.seen.names)))
        images = self._images(self.train, [self.seen.names[row] for row in rows])
        classes = self.seen.classes()[rows]
        apart = mean_distances(images, classes)
        self._apart = {kind: apart[classes == kind].mean() for kind in set(classes.tolist())}

    def score(self, data: str | Path, splits: int = 10) -> Scored:
        """Score the utterances of a data directory.

        Raises:
            ScoringError: too few utterances, or labels that the classifier does not know.
        """
        directory = DataDir(data)
        same = directory.path.resolve() == self.train.path.resolve()
        seen = self.seen if same else self._look_at(directory)
        if len(seen.names) < 2 * splits:
            raise ScoringError(
                f"{data}: {len(seen.names)} utterances are too few for {splits} splits; generate more of them"
            )
        rows = np.array(_some(range(len(seen.names))))
        compared = [seen.names[row] for row in rows]
        images = self._images(directory, compared)
        closest = self._nearest(images, compared, same=same)
        classes = seen.classes()[rows]
        apart = np.array([self._apart.get(kind, np.nan) for kind in classes.tolist()])
        kinds, count = self.system.labels, len(seen.names)
        classified = np.array([kinds[number] for number in seen.posteriors.argmax(1)], dtype=str)
        known = [UNKNOWN] * count if seen.labels is None else [kinds[number] for number in seen.labels]
        labels = np.array(known, dtype=str)
        columns = {
            "utt": np.array(seen.names, dtype=str),
            "label": labels,
            "classified": classified,
            "inception": over_splits(seen.posteriors, splits, inception_shares),
            "frechet": over_splits(seen.embeddings, splits, lambda rows: frechet_shares(rows, self.seen.embeddings)),
            "accuracy": np.full(count, np.nan) if seen.labels is None else 100.0 * (labels == classified),
            "nearest": _at(rows, closest.distances / self.usual, count),
            "neighbour": np.full(count, UNKNOWN, dtype=object),
            "diversity": _at(rows, mean_distances(images, classes) / apart, count),
        }
        columns["neighbour"][rows] = closest.names
        columns["neighbour"] = columns["neighbour"].astype(str)
        near = closest.distances <= COPY * self.least
        copies = {} if same else dict(zip(np.array(compared)[near].tolist(), closest.names[near].tolist(), strict=True))
        order = np.argsort(columns["utt"])
        table = ScoreTable({name: values[order] for name, values in columns.items()})
        scores = [inception_shares(seen.posteriors[part]).mean() for part in random_splits(count, splits)]
        return Scored(table, copies, float(np.std(scores)))

    def _batches(
        self, directory: DataDir, names: Sequence[str] | None = None
    ) -> Iterator[tuple[list[str], torch.Tensor, torch.Tensor]]:
        """Utterances, by default all of them, with their waveforms [B, T] and lengths [B]."""
        waves, names = directory.all_waves(rate=self.system.sample_rate), names or directory.utterances
        starts = range(0, len(names), BATCH)
        for start in track(starts, f"batches of {directory.path}", len(starts)):
            batch = list(names[start : start + BATCH])
            yield batch, *padded([waves[name] for name in batch], "cpu")

    @torch.inference_mode()
    def _look_at(self, directory: DataDir) -> Seen:
        names, posteriors, embeddings = list(directory.utterances), [], []
        for _, waves, lengths in self._batches(directory):
            embedded = self.system.embed(waves, lengths)
            embeddings.append(embedded.numpy())
            posteriors.append(self.system.network.classify(embedded).softmax(1).numpy())
        return Seen(names, np.concatenate(posteriors), np.concatenate(embeddings), self._labels(directory, names))

    def _labels(self, directory: DataDir, names: Sequence[str]) -> np.ndarray | None:
        if not directory.has(self._list):
            return None
        entries, numbers = directory.read(self._list), {label: n for n, label in enumerate(self.system.labels)}
        if odd := [name for name in names if entries.get(name) not in numbers]:
            raise ScoringError(
                f"{directory.path / self._list}: {odd[0]} has the label {entries.get(odd[0])!r}, and {self.path} knows "
                f"{listed(self.system.labels, len(numbers))}; take a classifier of this corpus"
            )
        return np.array([numbers[entries[name]] for name in names])

    def _images(self, directory: DataDir, names: Sequence[str]) -> np.ndarray:
        """The classifier's features [N, D] of some utterances."""
        return np.concatenate([self._features(*batch) for _, *batch in self._batches(directory, names)])

    def _nearest(self, images: np.ndarray, names: Sequence[str], *, same: bool) -> Nearest:
        """The training utterances that are nearest to images [N, D]; but for themselves, if they are the same."""
        parts = ((batch, self._features(waves, lengths)) for batch, waves, lengths in self._batches(self.train))
        return nearest(images, names, parts, same=same)

    @torch.inference_mode()
    def _features(self, waves: torch.Tensor, lengths: torch.Tensor) -> np.ndarray:
        """The classifier's features [B, D] of waveforms [B, T]."""
        return self.system.images(waves, lengths)[0].flatten(1).numpy()


def _some(items: Sequence) -> list:
    """At most COMPARED of the items, at random but the same each time, in their order."""
    chosen = np.random.default_rng(0).permutation(len(items))[:COMPARED]
    return [items[place] for place in sorted(chosen)]


def _at(rows: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Values at some rows of a column [count], NaN elsewhere."""
    column = np.full(count, np.nan)
    column[rows] = values
    return column
