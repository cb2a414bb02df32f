"""Phones that espeak-ng guesses for words, as ARPAbet for English or in the phonetic alphabet (IPA)."""

import ctypes
import functools
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from nrsr.errors import NrsrError
from nrsr.kaldi.lexicon import Pronunciation

# Constants of speak_lib.h, espeak-ng 1.52.
AUDIO_OUTPUT_RETRIEVAL = 1
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
PHONEMES_IPA = 2
SEPARATOR = "_"
ENGLISH = "en-us"
ARPABET_VOICES = ("en-us", "en-gb", "en")

STRESSES = {"ˈ": "1", "ˌ": "2"}
LANGUAGE_SWITCH = re.compile(r"\([a-z-]+\)")  # espeak marks words that it takes from another language
SPOKEN = re.compile(r"\w")

# espeak-ng's English sounds (American, British) and their phones in the CMU dictionary; the longest sound goes first.
ARPABET_TABLE = """
    p P, b B, t T, d D, k K, ɡ G, tʃ CH, dʒ JH, f F, v V, θ TH, ð DH, s S, z Z, ʃ SH, ʒ ZH, h HH, m M, n N,
    ŋ NG, l L, ɹ R, r R, j Y, w W, ɾ T, ʔ T, x K, ɬ L, ɫ L, n̩ AH N, l̩ AH L, m̩ AH M, ʍ W, ç HH, iː IY, i IY,
    ɪ IH, ᵻ IH, eɪ EY, ɛ EH, ɛː EH, e EH, æ AE, a AE, ɑː AA, ɑ AA, ɒ AA, ɔː AO, ɔ AO, oː AO, oʊ OW, əʊ OW, o OW,
    ʊ UH, uː UW, u UW, ʌ AH, ə AH, ɐ AH, ɜː ER, ɜ ER, ɚ ER, aɪ AY, aʊ AW, ɔɪ OY, iə IH AH, eə EH AH, ʊə UH AH,
    ɑ̃ AA, ɑːɹ AA R, ɔːɹ AO R, oːɹ AO R, ɛɹ EH R, ɪɹ IH R, ʊɹ UH R, aɪɚ AY ER, aɪə AY AH, aʊɚ AW ER, aʊə AW AH,
    əl AH L
"""
ARPABET = dict(pair.split(maxsplit=1) for pair in ARPABET_TABLE.split(","))
LONGEST = max(map(len, ARPABET))
VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
CMU_PHONES = frozenset(phone for phones in ARPABET.values() for phone in phones.split())


class PronunciationError(NrsrError):
    """Words that espeak-ng cannot turn into phones, or espeak-ng itself is missing."""


def guess(
    words: Iterable[str], like: Iterable[str] = (), voice: str = ENGLISH, *, texts: Iterable[str] = ()
) -> list[Pronunciation]:
    """Pronunciations of words, one each, sorted by word.

    Args:
        words: spelled words; what has no letter or digit, or is in brackets such as `<noise>`, is refused.
        like: the speech phones of a lexicon that the guesses join. They are ARPAbet (with stress digits, as AH0, where
            `like` has them), unless `like` holds other phones or the voice has none; then they are IPA.
        voice: espeak-ng's name of a language or accent; American and British English have ARPAbet.
        texts: further words of the same texts. Where neither these nor `words` have a lowercase letter, all are spoken
            in lowercase, since espeak-ng spells some words in capitals, such as US and IT.

    Raises:
        PronunciationError: espeak-ng is missing or has no such voice; words without a pronunciation, all listed; or
            `like` has phones and lacks some that were guessed, so that nothing would have trained them.
    """
    like = frozenset(like)
    arpabet = voice in ARPABET_VOICES and {phone.rstrip("012") for phone in like} <= CMU_PHONES
    stressed = any(phone[-1] in "012" for phone in like)
    speak = _speaker(voice)
    words = sorted(set(words))
    capitals = not any(letter.islower() for word in (*words, *texts) if _is_spoken(word) for letter in word)
    lexicon, failed = [], []
    for word in words:
        sounds = speak(word.lower() if capitals else word) if _is_spoken(word) else []
        phones = _arpabet(sounds, stressed) if arpabet else _ipa(sounds)
        if phones:
            lexicon.append(Pronunciation(word, tuple(phones)))
        else:
            failed.append(word)
    if failed:
        raise PronunciationError(
            f"espeak-ng has no phones for {len(failed)} words: {' '.join(failed)}; add them to the lexicon"
        )
    _check_against(lexicon, like, voice)
    return lexicon


def _is_spoken(word: str) -> bool:
    return bool(SPOKEN.search(word)) and word[0] not in "<[("


def _check_against(lexicon: Sequence[Pronunciation], like: frozenset[str], voice: str) -> None:
    unknown = {phone: entry.word for entry in lexicon for phone in entry.phones if like and phone not in like}
    if unknown:
        phone, word = min(unknown.items())
        raise PronunciationError(
            f"espeak-ng's voice {voice} guesses {len(unknown)} phones that the lexicon does not have, such as {phone!r}"
            f" in {word!r}; add these words to the lexicon by hand, or leave it out and let espeak-ng pronounce all"
        )


def _ipa(sounds: Sequence[str]) -> list[str]:
    """Sounds without their stress."""
    return [phone for sound in sounds if (phone := sound.translate(dict.fromkeys(map(ord, STRESSES))))]


def _arpabet(sounds: Sequence[str], stressed: bool) -> list[str]:
    """Phones of the CMU dictionary, [] where a sound has none there."""
    phones: list[str] = []
    for sound, following in itertools.pairwise([*sounds, ""]):
        if sound.endswith("iə") and following.startswith("ɹ"):
            sound = sound.removesuffix("iə") + "ɪ"
        stress = next((digit for mark, digit in STRESSES.items() if mark in sound), "0")
        for phone in _split("".join(_ipa([sound]))):
            if phone is None:
                return []
            vowel = phone in VOWELS
            phones.append(phone + stress if vowel and stressed else phone)
            if vowel:
                stress = "0"  # the mark is for the first vowel of a sound such as aɪɚ
    return phones


def _split(sound: str) -> list[str | None]:
    """A sound's phones; None for a part that ARPAbet does not have."""
    phones: list[str | None] = []
    while sound:
        length = next((size for size in range(min(LONGEST, len(sound)), 0, -1) if sound[:size] in ARPABET), 0)
        if not length:
            return [None]
        phones += ARPABET[sound[:length]].split()
        sound = sound[length:]
    return phones


def _speaker(voice: str) -> Callable[[str], list[str]]:
    """A function from a word to espeak-ng's sounds in IPA, with their stress marks."""
    library = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise PronunciationError(
            f"espeak-ng has no voice {voice!r}; take one of its languages, such as en-us, en or de"
        )

    def speak(word: str) -> list[str]:
        text = ctypes.c_char_p(word.encode())
        sounds: list[str] = []
        while text.value is not None:  # one clause a call; the library moves the pointer on
            clause = library.espeak_TextToPhonemes(ctypes.byref(text), CHARS_UTF8, ord(SEPARATOR) << 8 | PHONEMES_IPA)
            sounds += re.split(rf"[{SEPARATOR}\s]+", LANGUAGE_SWITCH.sub("", (clause or b"").decode()))
        return [sound for sound in sounds if sound]

    return speak


@functools.cache
def _library() -> ctypes.CDLL:
    """The library that came with espeakng-loader, started once in this process."""
    try:
        import espeakng_loader
    except ImportError:
        raise PronunciationError("espeak-ng is missing; install it: pip install espeakng-loader") from None
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = Path(espeakng_loader.get_data_path())
    if library.espeak_Initialize(AUDIO_OUTPUT_RETRIEVAL, 0, str(data).encode(), INITIALIZE_DONT_EXIT) <= 0:
        raise PronunciationError(f"espeak-ng does not start with its data in {data}; reinstall espeakng-loader")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    return library
