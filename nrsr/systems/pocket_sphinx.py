"""A recogniser from the shelf: pocketsphinx with its own acoustic model of US English, and words of your own."""

import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr
from torch import Tensor

from nrsr.config import ConfigError
from nrsr.data.batch import TrainingBatch
from nrsr.data.outputs import Output, TextOutput
from nrsr.kaldi.arpa import END, START, UNKNOWNS, plain_file
from nrsr.listing import listed
from nrsr.packages import optional_module
from nrsr.systems.system import LossError, System

if TYPE_CHECKING:
    from pocketsphinx import Decoder

RATE = 16000  # of the acoustic model
COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# What is no word in a JSGF grammar: header, name, imports, weights, tags, names of rules, operators.
NO_WORDS = re.compile(
    r"#JSGF[^;]*;|\bgrammar\s+[^;]*;|\bimport\s+[^;]*;|\bpublic\b|/[-+.\deE]+/|\{[^}]*\}|<[^>]*>|[=|;()\[\]*+]"
)


class PocketSphinx(System):
    """Waveforms to words, by a recogniser that was trained on clean speech and never on the data at hand.

    HMMs of US English at 16 kHz and the CMU dictionary come with the package. What can be said is one of: `words`, a
    `grammar`, an n-gram model, or without these the package's own n-gram model. It is not trained.

    Args:
        sample_rate: in Hz (given by the program); other rates than 16 kHz are resampled.
        words: each utterance is one of them, or several with `loop`.
        loop: any number of `words`, one after the other.
        grammar: JSGF file, of which the public rule is taken.
        arpa: n-gram model, ARPA file.
        upper: write words in upper case. Else they are as in `words`, `grammar` or `arpa`; the dictionary is searched
            in lower case. The package's own model is in lower case.
        wip: word insertion penalty, a factor on the probability of each word; a low one keeps a loop from finding too
            many short words. The default is pocketsphinx's.

    Raises:
        PackageError: pocketsphinx is not installed.
        ConfigError: two of these, a penalty that is not from 0 to 1, a file that cannot be read, or words that are not
            in the dictionary.
        LanguageModelError: a broken ARPA file.
    """

    def __init__(
        self,
        sample_rate: int,
        words: Sequence[str] | None = None,
        loop: bool = False,
        grammar: str | None = None,
        arpa: str | None = None,
        upper: bool = False,
        wip: float = 0.65,
    ) -> None:
        super().__init__()
        optional_module("pocketsphinx", "PocketSphinx")
        given = {"words": words, "grammar": grammar, "arpa": arpa}
        if len(named := [name for name, value in given.items() if value is not None]) > 1:
            raise ConfigError(f"system: PocketSphinx takes one of {', '.join(named)}; remove the others")
        if loop and words is None:
            raise ConfigError("system.loop: is for words; give them, or remove it")
        if not 0.0 < wip <= 1.0:
            raise ConfigError(f"system.wip: {wip} must lie above 0, and be 1 at most")
        self.sample_rate, self.upper = sample_rate, upper
        if words is not None:
            self._decoder = of_grammar(grammar_of(words, loop), words, "words", wip)
        elif grammar is not None:
            text = read_grammar(grammar)
            self._decoder = of_grammar(text, words_of(text), f"grammar: {grammar}", wip)
        elif arpa is not None:
            self._decoder = of_ngrams(arpa, wip)
        else:
            self._decoder = decoder(wip)

    def losses(self, batch: TrainingBatch, turn: str, wanted: Collection[str]) -> dict[str, Tensor]:
        raise LossError("loss_weights: PocketSphinx is not trained; apply it with nrsr apply --config")

    def validate(self, batch: TrainingBatch) -> dict[str, tuple[Tensor, Tensor]]:
        raise LossError("PocketSphinx is not trained; apply it with nrsr apply --config")

    def outputs(self) -> dict[str, Output]:
        """The recognised words."""
        return {"text": TextOutput()}

    def infer(self, inputs: Sequence[np.ndarray], wanted: Collection[str]) -> dict[str, Sequence[str]]:
        texts = [self._recognise(wave) for wave in inputs]
        return {"text": [text.upper() for text in texts] if self.upper else texts}

    def _recognise(self, wave: np.ndarray) -> str:
        """The words of one utterance; none where nothing fits."""
        resampled = soxr.resample(wave, self.sample_rate, RATE)
        samples = np.clip(np.rint(resampled * 32768.0), -32768, 32767).astype("<i2")
        self._decoder.reinit_feat()  # else it remembers the level and the noise of the utterance before
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return "" if best is None else best.hypstr


def grammar_of(words: Sequence[str], loop: bool) -> str:
    """A JSGF grammar of one word, or of any number of them."""
    return f"#JSGF V1.0;\ngrammar words;\npublic <words> = ({' | '.join(words)}){'+' if loop else ''};\n"


def words_of(grammar: str) -> list[str]:
    """The words of a JSGF grammar."""
    return list(dict.fromkeys(NO_WORDS.sub(" ", COMMENTS.sub(" ", grammar)).split()))


def read_grammar(path: str) -> str:
    """The text of a JSGF file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"system.grammar: {path}: {reason}; name a JSGF file") from error


def of_grammar(grammar: str, words: Sequence[str], where: str, wip: float) -> "Decoder":
    """A decoder with a JSGF grammar of these words.

    Args:
        where: the key of the config, for messages.

    Raises:
        ConfigError: no words, words that are not in the dictionary, or a grammar that pocketsphinx does not take.
    """
    with dictionary(words, where) as folder:
        (folder / "grammar.jsgf").write_text(grammar, encoding="utf-8")
        try:
            return decoder(wip, dict=str(folder / "words.dict"), jsgf=str(folder / "grammar.jsgf"), lm=None)
        except RuntimeError as error:
            raise ConfigError(
                f"system.{where}: is no grammar that pocketsphinx takes; it begins with #JSGF V1.0; and has a rule "
                "public <name> = ...;"
            ) from error


def of_ngrams(arpa: str, wip: float) -> "Decoder":
    """A decoder with an n-gram model of an ARPA file.

    Raises:
        LanguageModelError: a broken file.
        ConfigError: words that are not in the dictionary, or a model that pocketsphinx does not take.
    """
    with plain_file(arpa) as (plain, model):
        words = [word for word in model.words if word not in (START, END, *UNKNOWNS)]
        with dictionary(words, f"arpa: {arpa}") as folder:
            (folder / "model.arpa").symlink_to(plain.resolve())  # pocketsphinx goes by the end of the name
            try:
                return decoder(wip, dict=str(folder / "words.dict"), lm=str(folder / "model.arpa"))
            except RuntimeError as error:
                message = f"system.arpa: {arpa}: pocketsphinx does not take it; make it again with nrsr make-lm"
                raise ConfigError(message) from error


@contextmanager
def dictionary(words: Iterable[str], where: str) -> Iterator[Path]:
    """A temporary folder with words.dict: the pronunciations of words, spelled as they are.

    Raises:
        ConfigError: no words, or some that the package's dictionary lacks.
    """
    import pocketsphinx

    pronunciations: dict[str, list[str]] = {word.lower(): [] for word in words}
    with open(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as lines:
        for line in lines:
            entry, _, phones = line.strip().partition(" ")
            word = re.sub(r"\(\d+\)$", "", entry)  # read and read(2) are one word
            if word in pronunciations:
                pronunciations[word].append(phones)
    if not pronunciations:
        raise ConfigError(f"system.{where}: holds no words; name some")
    if unknown := [word for word in words if not pronunciations[word.lower()]]:
        raise ConfigError(
            f"system.{where}: {len(unknown)} words are not in the dictionary of pocketsphinx ({listed(unknown)}); "
            "spell them as English words, or leave them out"
        )
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "words.dict", "w", encoding="utf-8") as lines:
            for word in dict.fromkeys(words):
                for number, phones in enumerate(pronunciations[word.lower()], 1):
                    lines.write(f"{word}{f'({number})' if number > 1 else ''} {phones}\n")
        yield Path(folder)


def decoder(wip: float, **options: str | None) -> "Decoder":
    """A decoder with the package's acoustic model, which keeps silent; options as pocketsphinx names them.

    Raises:
        RuntimeError: options that do not fit.
    """
    import pocketsphinx

    return pocketsphinx.Decoder(hmm=pocketsphinx.get_model_path("en-us/en-us"), wip=wip, loglevel="FATAL", **options)
