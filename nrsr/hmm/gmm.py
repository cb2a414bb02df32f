"""Gaussian mixtures with diagonal covariances, one for each pdf-id, held flat and scored vectorised."""

from dataclasses import dataclass

import kaldi_hmm_gmm
import numpy as np

from nrsr.kaldi.binary import BinaryReader, BinaryWriter

LOG_2PI = float(np.log(2.0 * np.pi))
BLOCK = 512  # frames scored at once: their scores under all Gaussians stay in the processor's cache


@dataclass(frozen=True)
class Gmm:
    """The Gaussians of all pdfs, those of pdf 0 first.

    Attributes:
        starts: int64 [pdfs + 1]; pdf p has the Gaussians starts[p] ... starts[p + 1] - 1, at least one.
        weights: [G], adding up to 1 within a pdf.
        means, variances: [G, D].
    """

    starts: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @property
    def num_pdfs(self) -> int:
        """Number of mixtures."""
        return len(self.starts) - 1

    @property
    def num_gaussians(self) -> int:
        """Number of Gaussians of all mixtures."""
        return len(self.weights)

    @property
    def dim(self) -> int:
        """Dimension of the features."""
        return self.means.shape[1]

    @property
    def pdf_of(self) -> np.ndarray:
        """The pdf [G] of each Gaussian."""
        return np.repeat(np.arange(self.num_pdfs), np.diff(self.starts))

    def constants(self) -> np.ndarray:
        """The terms of log(weight times density) that do not depend on the frame, [G]."""
        spread = np.log(self.variances) + self.means**2 / self.variances
        return np.log(self.weights) - 0.5 * (self.dim * LOG_2PI + spread.sum(axis=1))

    def scorer(self) -> "Scorer":
        """The Gaussians in the form that scores frames by a matrix product."""
        linear = np.concatenate([self.means / self.variances, -0.5 / self.variances], axis=1)
        return Scorer(self.starts, linear.astype(np.float32).T.copy(), self.constants().astype(np.float32))

    def log_likelihoods(self, features: np.ndarray) -> np.ndarray:
        """log p(frame | pdf) of features [N, D] for all pdfs: float32 [N, pdfs]."""
        scorer, sizes = self.scorer(), np.diff(self.starts)
        likelihoods = np.empty((len(features), self.num_pdfs), np.float32)
        for begin in range(0, len(features), BLOCK):
            part = slice(begin, begin + BLOCK)
            scores = scorer.components(features[part])
            highest = np.maximum.reduceat(scores, self.starts[:-1], axis=1)
            scores -= np.repeat(highest, sizes, axis=1)
            np.exp(scores, out=scores)
            likelihoods[part] = highest + np.log(np.add.reduceat(scores, self.starts[:-1], axis=1))
        return likelihoods

    def for_library(self) -> kaldi_hmm_gmm.AmDiagGmm:
        """The same as an object of kaldi-hmm-gmm."""
        model = kaldi_hmm_gmm.AmDiagGmm()
        inverse, means = (1.0 / self.variances).astype(np.float32), self.means.astype(np.float32)
        weights = self.weights.astype(np.float32)
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            mixture = kaldi_hmm_gmm.DiagGmm(int(end - start), self.dim)
            mixture.set_weights(weights[start:end])
            mixture.set_invvars_and_means(inverse[start:end], means[start:end])
            mixture.compute_gconsts()
            model.add_pdf(mixture)
        return model

    def write_to(self, writer: BinaryWriter) -> None:
        """Write Kaldi's binary form, which in a model follows the transitions."""
        constants, inverse = self.constants(), 1.0 / self.variances
        writer.token("<DIMENSION>")
        writer.integer(self.dim)
        writer.token("<NUMPDFS>")
        writer.integer(self.num_pdfs)
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            part = slice(start, end)
            writer.token("<DiagGMM>", "<GCONSTS>")
            writer.floats(constants[part])
            writer.token("<WEIGHTS>")
            writer.floats(self.weights[part])
            writer.token("<MEANS_INVVARS>")
            writer.floats(self.means[part] * inverse[part])
            writer.token("<INV_VARS>")
            writer.floats(inverse[part])
            writer.token("</DiagGMM>")

    @classmethod
    def read_from(cls, reader: BinaryReader) -> "Gmm":
        """Read from behind the transitions of a GMM.

        Raises:
            ModelFileError: bytes that are none, or the model is a neural network.
        """
        reader.expect("<DIMENSION>")
        dim = reader.integer()
        reader.expect("<NUMPDFS>")
        sizes, weights, means, variances = [], [], [], []
        for _ in range(reader.integer()):
            reader.expect("<DiagGMM>", "<DiagGMMBegin>")
            if reader.peek() == "<GCONSTS>":
                reader.token()
                reader.vector()
            reader.expect("<WEIGHTS>")
            weights.append(reader.vector())
            reader.expect("<MEANS_INVVARS>")
            scaled = reader.matrix()
            reader.expect("<INV_VARS>")
            inverse = reader.matrix()
            reader.expect("</DiagGMM>", "<DiagGMMEnd>")
            sizes.append(len(weights[-1]))
            if not scaled.shape == inverse.shape == (sizes[-1], dim) or not sizes[-1] or not (inverse > 0).all():
                raise reader.wrong("a mixture whose weights, means and variances do not fit each other")
            if not (np.isfinite(weights[-1]).all() and np.isfinite(scaled).all() and np.isfinite(inverse).all()):
                raise reader.wrong("a mixture with values that are not finite")
            if not weights[-1].min() >= 0 or not weights[-1].sum() > 0:
                raise reader.wrong("a mixture with weights below 0, or 0 altogether")
            means.append(scaled / inverse)
            variances.append(1.0 / inverse)
        if not sizes:
            raise reader.wrong("a model without mixtures")
        starts = np.cumsum([0, *sizes])
        return cls(starts, np.concatenate(weights), np.concatenate(means), np.concatenate(variances))


@dataclass(frozen=True)
class Scorer:
    """Gaussians in the form in which a matrix product scores them.

    Attributes:
        starts: as in Gmm.
        linear: float32 [2 D, G], factors of the frame and of its squares.
        constants: float32 [G].
    """

    starts: np.ndarray
    linear: np.ndarray
    constants: np.ndarray

    def components(self, features: np.ndarray, pdf: int | None = None) -> np.ndarray:
        """log(weight times density) of features [N, D] under all Gaussians [N, G], or under those of one pdf."""
        part = slice(None) if pdf is None else slice(self.starts[pdf], self.starts[pdf + 1])
        both = np.concatenate([features, features * features], axis=1, dtype=np.float32)
        return both @ self.linear[:, part] + self.constants[part]


def single_gaussians(means: np.ndarray, variances: np.ndarray) -> Gmm:
    """A model with one Gaussian for each pdf, of means and variances [pdfs, D]."""
    return Gmm(np.arange(len(means) + 1), np.ones(len(means)), means.astype(np.float64), variances.astype(np.float64))
