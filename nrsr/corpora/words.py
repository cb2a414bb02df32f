"""Transcripts as words alone: lower case, apostrophes within words, no punctuation."""

import re
import unicodedata

APOSTROPHES = re.compile(
    "[\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}]"
)
NO_WORD = re.compile(r"[^\w']+|_")


def plain_words(text: str) -> str:
    """The words of a sentence: "Well, don't!" -> "well don't"; hyphens separate words."""
    text = APOSTROPHES.sub("'", unicodedata.normalize("NFC", text.lower()))
    words = (word.strip("'") for word in NO_WORD.sub(" ", text).split())
    return " ".join(filter(None, words))
