"""A GMM's folder: the settings it was trained with and the features it takes, for aligning and decoding; its log."""

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from nrsr.config import ConfigError, check_keys, load_yaml, save_yaml, settings_from
from nrsr.data.features import FeaturesError, FeatureSettings
from nrsr.files import names_file
from nrsr.hmm.aligner import Beams
from nrsr.hmm.alignment_files import FRAME_SHIFT
from nrsr.hmm.gmm_features import GmmFeatures
from nrsr.hmm.model import TRANSFORM, Model
from nrsr.hmm.train_lda import LdaSettings
from nrsr.hmm.train_mono import MonoSettings
from nrsr.hmm.train_tri import TriSettings
from nrsr.kaldi.binary import ModelFileError
from nrsr.kaldi.lists import split_words

SETTINGS = "gmm.yaml"
TRUE = ("true", "t", "1", "")  # to Kaldi
BOOLEANS, NUMBER, NOTHING = f"{'|'.join(TRUE)}|false|f|0", "[0-9]{1,4}", "(?!)"  # patterns of values
DELTAS = {"delta-order": "deltas", "delta-window": "delta_window"}  # Kaldi's options and ours
KALDI_CONTEXT = "4"  # of splice-feats on each side, where splice_opts names none
KINDS = {"mono": MonoSettings, "tri": TriSettings, "lda": LdaSettings}
PARTS = {"features": FeatureSettings, "alignment": Beams, **KINDS}


@dataclass(frozen=True)
class GmmSettings:
    """All settings of GMMs; the defaults are Kaldi's.

    Attributes:
        features: how stored features are normalised, and their deltas.
        alignment: beams.
        mono, tri, lda: sizes and iterations.
        frame_shift: seconds between frames, for times of phones.
    """

    features: FeatureSettings = field(default_factory=FeatureSettings)
    alignment: Beams = field(default_factory=Beams)
    mono: MonoSettings = field(default_factory=MonoSettings)
    tri: TriSettings = field(default_factory=TriSettings)
    lda: LdaSettings = field(default_factory=LdaSettings)
    frame_shift: float = FRAME_SHIFT


def settings_of(content: Mapping[str, Any], where: str) -> GmmSettings:
    """Settings from a config.

    Raises:
        ConfigError: an unknown key, or a value that cannot be.
    """
    check_keys(dict(content), [*PARTS, "frame_shift"], where)
    parts = {name: settings_from(kind, content.get(name), f"{where}: {name}") for name, kind in PARTS.items()}
    shift = content.get("frame_shift", FRAME_SHIFT)
    if isinstance(shift, bool) or not isinstance(shift, (int, float)) or not shift > 0:
        raise ConfigError(f"{where}: frame_shift {shift!r}: give seconds above 0; features have 0.01 as a rule")
    settings = GmmSettings(frame_shift=float(shift), **parts)
    _check(settings, where)
    return settings


def _check(settings: GmmSettings, where: str) -> None:
    beams = settings.alignment
    if not 0 < beams.beam < beams.retry_beam:
        raise ConfigError(f"{where}: alignment: needs 0 < beam < retry_beam; Kaldi takes 10 and 40")
    for name, part in (("mono", settings.mono), ("tri", settings.tri), ("lda", settings.lda)):
        if min(part.gaussians, part.iterations, part.grow_until) < 1 or not 0 <= part.power <= 1:
            raise ConfigError(f"{where}: {name}: gaussians, iterations and grow_until start at 1, power lies in 0 to 1")
    for name, part in (("tri", settings.tri), ("lda", settings.lda)):
        if part.leaves < 1 or part.min_gain < 0:
            raise ConfigError(f"{where}: {name}: needs leaves of 1 or more and min_gain of 0 or more")
    if settings.lda.context < 0 or settings.lda.dim < 1:
        raise ConfigError(f"{where}: lda: needs context of 0 or more and dim of 1 or more; Kaldi takes 3 and 40")


def save_settings(folder: Path, settings: GmmSettings, kind: str, seed: int) -> None:
    """Write the settings of a GMM's training: its features and those of its kind."""
    content = {name: part for name, part in asdict(settings).items() if name == kind or name not in KINDS}
    save_yaml({"trained": kind, "seed": seed, **content}, folder / SETTINGS)


def load_settings(folder: Path) -> GmmSettings:
    """Settings of a GMM's folder; of one that Kaldi wrote, those that its cmvn_opts and delta_opts name.

    Raises:
        ConfigError: options that nrsr does not have.
        ModelFileError: final.mat is missing.
    """
    if (folder / SETTINGS).is_file():
        content = load_yaml(folder / SETTINGS)
        if content.get("trained") == "lda" and not (folder / TRANSFORM).is_file():
            raise ModelFileError(f"{folder / TRANSFORM}: no such file, and the model was trained with it; copy it too")
        return settings_of(
            {key: value for key, value in content.items() if key not in ("trained", "seed")}, str(folder)
        )
    features = FeatureSettings()
    cmvn = _kaldi_options(folder / "cmvn_opts", {"norm-means": BOOLEANS, "norm-vars": BOOLEANS})
    means, variances = cmvn.get("norm-means", "true") in TRUE, cmvn.get("norm-vars", "false") in TRUE
    if variances and not means:
        raise ConfigError(f"{folder}/cmvn_opts: variances are normalised with the means alone; correct --norm-means")
    if not means or variances:
        features = replace(features, cmvn="mean_variance" if variances else "none")
    for option, value in _kaldi_options(folder / "delta_opts", dict.fromkeys(DELTAS, NUMBER)).items():
        features = replace(features, **{DELTAS[option]: int(value)})
    sides = _kaldi_options(folder / "splice_opts", {"left-context": NUMBER, "right-context": NUMBER})
    if sides.get("left-context", KALDI_CONTEXT) != sides.get("right-context", KALDI_CONTEXT):
        raise ConfigError(f"{folder}/splice_opts: unequal sides are not known to nrsr; take Kaldi's own alignments")
    return GmmSettings(features=features)


def open_features(folder: Path, model: Model, data: Path, *, allow_pipes: bool = False) -> GmmFeatures:
    """The features of DATA as the model of a folder takes them, for alignment and scoring alike.

    Raises:
        FeaturesError: missing features, or others than those that the model was trained with.
        ConfigError, ModelFileError: as load_settings.
    """
    features = GmmFeatures(data, load_settings(folder).features, model.transform, allow_pipes=allow_pipes)
    if features.dim != model.gmm.dim:
        raise FeaturesError(
            f"{data}: features have {features.dim} values a frame with deltas, {folder} takes {model.gmm.dim}; make "
            "the same"
        )
    return features


def _kaldi_options(path: Path, known: Mapping[str, str]) -> dict[str, str]:
    """Option -> value of a file such as cmvn_opts, read as Kaldi does: an option without a value is true, `_` is `-`.

    Args:
        known: the options that there may be -> pattern of their values.

    Raises:
        ConfigError: anything else in the file.
    """
    options = {}
    for word in split_words(path.read_text(encoding="utf-8")) if path.is_file() else []:
        name, equals, value = word.partition("=")
        option = name.removeprefix("--").lower().replace("_", "-")
        options[option] = value if equals else "true"
        if not name.startswith("--") or not re.fullmatch(known.get(option, NOTHING), options[option]):
            raise ConfigError(f"{path}: {word} is not known to nrsr; take Kaldi's own alignments")
    return options


class TrainingLog:
    """Lines with the time, in a file and on stderr."""

    def __init__(self, stream: TextIO, terminal: TextIO, command: str):
        self._stream, self._terminal, self._command = stream, terminal, command

    def __call__(self, line: str) -> None:
        with names_file(self._stream.name):
            self._stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
            self._stream.flush()
        print(f"{self._command}: {line}", file=self._terminal, flush=True)
