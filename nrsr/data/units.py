"""The output units of a recogniser: characters, words or sentencepiece BPE, as a table of ids."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.folders import refuse_incomplete
from nrsr.kaldi.checksums import Checksums, write_checksums
from nrsr.kaldi.lists import split_words

BLANK, UNKNOWN, SPACE, SOS_EOS = "<blank>", "<unk>", "<space>", "<sos/eos>"
KINDS = ("char", "word", "bpe")
SYMBOLS_FILE, MODEL_FILE = "units.txt", "bpe.model"
WORD_START = "▁"  # how sentencepiece marks the first piece of a word


class UnitsError(NrsrError):
    """A text from which no units can be made, or an incomplete units folder."""


class Units:
    """Maps transcripts to unit ids and back.

    Ids: 0 `<blank>` of CTC, 1 `<unk>`, then the symbols, last `<sos/eos>` of an attention decoder.
    ASCII white space in transcripts counts as one space between words; other spaces are part of a word.
    """

    blank = 0
    unknown = 1

    def __init__(self, kind: str, symbols: Sequence[str], model: bytes | None = None):
        """Units with these symbols, the special ones included; `model` is the sentencepiece model of kind bpe."""
        self.kind = kind
        self.symbols = list(symbols)
        self.model = model
        self._ids = {symbol: number for number, symbol in enumerate(self.symbols)}
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model) if model is not None else None

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def sos_eos(self) -> int:
        """Id of the start and end symbol of attention decoders."""
        return len(self.symbols) - 1

    @classmethod
    def from_text(cls, texts: Iterable[str], kind: str, size: int | None = None) -> "Units":
        """Make units from transcripts (without their ids).

        Args:
            kind: "char" and "word" take every symbol of the text; "bpe" trains sentencepiece.
            size: number of sentencepiece pieces, the unknown one included; for "bpe" alone, which needs it.

        Raises:
            UnitsError: no words, a reserved symbol as a word, a size that the text cannot fill.
        """
        if kind not in KINDS:
            raise UnitsError(f"units.kind: {kind!r} is not known; take one of {', '.join(KINDS)}")
        if (size is None) == (kind == "bpe"):
            raise UnitsError(f"units.size: kind {kind!r} {'needs a size, as in 500' if kind == 'bpe' else 'has none'}")
        lines = [words for words in (split_words(text) for text in texts) if words]
        if not lines:
            raise UnitsError("units: the text holds no words; check that transcripts follow the utterance ids")
        reserved = {BLANK, SPACE, SOS_EOS}.intersection(word for words in lines for word in words)
        if reserved:
            raise UnitsError(f"units: {', '.join(sorted(reserved))} is reserved; remove this word from the text")
        if kind == "bpe":
            return cls._from_model(_train_bpe([" ".join(words) for words in lines], size), MODEL_FILE)
        if kind == "word":
            symbols = {word for words in lines for word in words} - {UNKNOWN}
        else:
            symbols = {letter for words in lines for word in words if word != UNKNOWN for letter in word} | {SPACE}
        return cls(kind, [BLANK, UNKNOWN, *sorted(symbols), SOS_EOS])

    @classmethod
    def _from_model(cls, model: bytes, where: str | Path) -> "Units":
        try:
            processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            pieces = [processor.id_to_piece(piece) for piece in range(1, processor.get_piece_size())]
        except (RuntimeError, UnicodeDecodeError):  # what the library says names its own sources
            raise UnitsError(
                f"{where}: is no sentencepiece model, or a broken one; run nrsr make-units again"
            ) from None
        if processor.unk_id() != 0 or not pieces:
            raise UnitsError(f"{where}: its unknown piece is not number 0; run nrsr make-units again")
        return cls("bpe", [BLANK, UNKNOWN, *pieces, SOS_EOS], model)

    def encode(self, text: str) -> list[int]:
        """Unit ids of a transcript; what is not among the units becomes `unknown`."""
        words = split_words(text)
        if self._processor is not None:
            # sentencepiece numbers its unknown piece 0 and the others from 1; the blank goes before them.
            return [piece + 1 for piece in self._processor.encode(" ".join(words))]
        if self.kind == "word":
            return [self._ids.get(word, self.unknown) for word in words]
        symbols: list[str] = []
        for word in words:
            symbols += [SPACE] if symbols else []
            symbols += [UNKNOWN] if word == UNKNOWN else word
        return [self._ids.get(symbol, self.unknown) for symbol in symbols]

    def decode(self, ids: Iterable[int]) -> str:
        """The transcript of unit ids; blanks and `<sos/eos>` are left out, unknown units read `<unk>`."""
        symbols = [self.symbols[number] for number in ids if number not in (self.blank, self.sos_eos)]
        if self.kind == "word":
            return " ".join(symbols)
        text = "".join(" " if symbol == SPACE else symbol for symbol in symbols)
        if self.kind == "bpe":
            text = text.replace(WORD_START, " ")
        return " ".join(split_words(text))

    def unknown_words(self, texts: Iterable[str]) -> Counter[str]:
        """Words with a part that is not among the units, and how often each occurs in the texts."""
        words = Counter(word for text in texts for word in split_words(text))
        return Counter({word: count for word, count in words.items() if self.unknown in self.encode(word)})

    def save(self, folder: str | Path) -> None:
        """Write units.txt (Kaldi's `symbol id` lines), for bpe bpe.model, and their checksums."""
        folder = Path(folder)
        if self.model is not None:
            with atomic_open(folder / MODEL_FILE, "wb") as stream:
                stream.write(self.model)
        else:
            (folder / MODEL_FILE).unlink(missing_ok=True)
        with atomic_open(folder / SYMBOLS_FILE) as stream:
            stream.writelines(f"{symbol} {number}\n" for number, symbol in enumerate(self.symbols))
        write_checksums(folder, [SYMBOLS_FILE, MODEL_FILE])

    @classmethod
    def load(cls, folder: str | Path) -> "Units":
        """Read what `save` wrote.

        Raises:
            UnitsError: files missing, ids not 0, 1, 2, ..., special symbols missing, table and model at odds.
            ChecksumError: files that were changed since they were made.
        """
        folder = Path(folder)
        refuse_incomplete(folder)
        if (folder / SYMBOLS_FILE).is_file():
            checksums = Checksums(folder)
            checksums.check_files(checksums.names)
        symbols = _read_symbols(folder / SYMBOLS_FILE)
        if not (folder / MODEL_FILE).exists():
            # A character table always holds the space, which no word table can.
            return cls("char" if SPACE in symbols else "word", symbols)
        units = cls._from_model((folder / MODEL_FILE).read_bytes(), folder / MODEL_FILE)
        if units.symbols != symbols:
            raise UnitsError(f"{folder}: {SYMBOLS_FILE} and {MODEL_FILE} do not fit; run nrsr make-units again")
        return units


def _read_symbols(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise UnitsError(f"{path}: no such file; make it with nrsr make-units") from error
    except UnicodeDecodeError as error:
        raise UnitsError(f"{path}: not UTF-8; make it again with nrsr make-units") from error
    symbols: list[str] = []
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines):
        fields = split_words(line)
        if len(fields) != 2 or fields[1] != str(number):
            raise UnitsError(f"{path}:{number + 1}: expected `symbol {number}`, found {line!r}")
        symbols.append(fields[0])
    if symbols[:2] != [BLANK, UNKNOWN] or symbols[-1:] != [SOS_EOS] or len(set(symbols)) != len(symbols):
        raise UnitsError(f"{path}: needs {BLANK} 0, {UNKNOWN} 1, {SOS_EOS} last, and no symbol twice")
    return symbols


def _train_bpe(lines: list[str], size: int) -> bytes:
    """A sentencepiece BPE model; one thread and no shuffling make it the same each time."""
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type="bpe",
            vocab_size=size,
            character_coverage=1.0,
            normalization_rule_name="identity",
            max_sentence_length=1 << 20,
            num_threads=1,
            shuffle_input_sentence=False,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        largest = re.search(r"too high.*?<= *(\d+)", str(error))
        smallest = re.search(r"smaller than required_chars.*?vs *(\d+)", str(error))
        if largest:
            raise UnitsError(f"units.size: the text gives no {size} pieces; set {largest[1]} or less") from error
        if smallest:
            raise UnitsError(f"units.size: {size} is under the text's letters; set {smallest[1]} or more") from error
        raise UnitsError(f"units: sentencepiece failed: {error}") from error
    return model.getvalue()
