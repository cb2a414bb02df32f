"""Transcripts of WSJ0 and of the noisy corpora made of it: `.dot` files, and the words in them."""

import re
from pathlib import Path

from nrsr.corpora.files import files_below
from nrsr.errors import NrsrError
from nrsr.kaldi.lists import read_lines, split_words

LINE = re.compile(r"(.*)\(([^()\s]+)\)[ \t\r\f\v]*")  # the transcript, and the utterance in parentheses behind it
EVENT = re.compile(r"\[[^\]]*\]")  # [door_slam], [<phone_ring], [phone_ring>], [cough/]: not words
SPOKEN = {"%PERCENT": "PERCENT", ".POINT": "POINT"}  # marked like punctuation, but read as words of the sentence


class TranscriptError(NrsrError):
    """A .dot file that does not hold a transcript and an utterance in each line."""


def read_dot(path: Path) -> dict[str, str]:
    """utterance -> words of a .dot (or CHiME's .dot_all) file; the words may be none.

    Raises:
        TranscriptError: a line of another form, or an utterance twice.
    """
    words: dict[str, str] = {}
    for number, line in read_lines(path):
        if not split_words(line):
            continue
        match = LINE.fullmatch(line)
        if match is None or match[2] in words:
            what = "is not `WORDS (utterance)`" if match is None else f"has utterance {match[2]!r} for the second time"
            raise TranscriptError(f"{path}:{number}: {what}; restore the file from the corpus")
        words[match[2]] = words_of(match[1])
    return words


def find_transcripts(root: Path) -> dict[str, str]:
    """utterance in lower case (011c0201) -> words, of all .dot files at any depth below `root`, links followed.

    WSJ0 was copied from its discs to disk in many ways, so no layout is assumed. Lines of another form are passed
    over: whoever misses an utterance says so.

    Raises:
        ListError: a file that cannot be read or is not UTF-8.
    """
    transcripts = {}
    for path in files_below(root):
        if path.suffix.lower() == ".dot":
            for _, line in read_lines(path):
                if match := LINE.fullmatch(line):
                    transcripts[match[2].lower()] = words_of(match[1])
    return transcripts


def words_of(transcript: str) -> str:
    """The words of a detailed orthographic transcript, in capitals.

    Non-speech events, pauses (.) and cut-off marks (~) go; the marks of mispronounced (*), verbally deleted (<>),
    emphasised (!) and lengthened (:) words go and the words stay, since they were spoken. Verbalised punctuation
    such as ,COMMA stays as it is written.
    """
    words = []
    for word in split_words(EVENT.sub(" ", transcript.upper().replace("\\", ""))):
        if word in ("~", "."):
            continue
        word = re.sub(r"[<>*!~]|(?<=\w):", "", SPOKEN.get(word, word))
        if word:
            words.append(word)
    return " ".join(words)
