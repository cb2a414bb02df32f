"""The utterances of a data directory that can be trained on or aligned, with their words as numbers."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nrsr.hmm.gmm_features import GmmFeatures
from nrsr.hmm.share import ShareSpec
from nrsr.kaldi.datadir import DataDir, DataDirError
from nrsr.kaldi.lang import Lang
from nrsr.kaldi.lists import split_words
from nrsr.listing import listed

SHOWN = 10  # ids or words that a message lists


@dataclass(frozen=True)
class Transcripts:
    """The transcripts of a data directory.

    Attributes:
        words: utterance -> words as numbers, in the C locale's order.
        skipped: utterance -> why it cannot be used.
        unknown: words without pronunciation, and how often each was read as the lang folder's unknown word.
    """

    words: dict[str, list[int]]
    skipped: dict[str, str]
    unknown: Counter[str]

    def notes(self) -> list[str]:
        """Lines for the user about words without pronunciation."""
        if not self.unknown:
            return []
        total = sum(self.unknown.values())
        words = listed((word for word, _ in self.unknown.most_common()), SHOWN)
        return [f"{len(self.unknown)} words have no pronunciation and are read as unknown, {total} times: {words}"]


def read_transcripts(data: str | Path, lang: Lang, features: GmmFeatures) -> Transcripts:
    """Utterances of DATA/text that have features.

    Raises:
        ListError, DataDirError: no directory, no text, or no utterance that can be used.
    """
    directory = DataDir(data)
    texts = directory.read("text", allow_empty_values=True)
    words, skipped, unknown = {}, {}, Counter()
    for name in directory.utterances:
        said = split_words(texts.get(name, ""))
        reason = features.reason_against(name)
        if name not in texts:
            reason = reason or "no transcript"
        elif not said:
            reason = reason or "an empty transcript"
        if reason:
            skipped[name] = reason
            continue
        unknown.update(word for word in said if word not in lang.words)
        words[name] = [lang.words.get(word, lang.oov_id) for word in said]
    if not words:
        raise DataDirError(f"{data}: none of {len(directory.utterances)} utterances has both features and a transcript")
    return Transcripts(words, skipped, unknown)


def shares(transcripts: Transcripts, features: GmmFeatures, lang_folder: Path, lang: Lang, nj: int) -> list[ShareSpec]:
    """The utterances dealt out to at most `nj` processes."""
    names = list(transcripts.words)
    parts = [names[first::nj] for first in range(min(nj, len(names)))]
    return [
        ShareSpec(
            features.path,
            features.settings,
            {name: transcripts.words[name] for name in part},
            Path(lang_folder) / "L.fst",
            lang.disambiguation,
            lang.silence,
            features.transform,
        )
        for part in parts
    ]
