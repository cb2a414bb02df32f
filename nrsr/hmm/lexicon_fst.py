"""L, the transducer from phones to words, with optional silence; its form with disambiguation symbols serves graphs."""

import math
from collections.abc import Sequence

import kaldifst

from nrsr.kaldi.lang import WORD_DISAMBIGUATION, Lang
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.make_lang import disambiguators

START, LOOP, SILENCE, BEHIND_SILENCE = 0, 1, 2, 3  # states; words begin and end in LOOP, all others follow


def lexicon_fst(
    lang: Lang, lexicon: Sequence[Pronunciation], silence_probability: float, *, disambiguate: bool
) -> kaldifst.StdVectorFst:
    """L.fst or, with `disambiguate`, L_disambig.fst, arcs sorted by word.

    The probability of optional silence is paid at the start of an utterance and at the end of each word; none follows a
    word that is silence itself. `disambiguate` adds a symbol after words that sound alike or begin others, one after
    optional silence, and accepts G's own symbol.
    """
    lines: list[str] = []

    def arc(source: int, target: int, phone: str, word: str = "<eps>", cost: float = 0.0) -> None:
        lines.append(f"{source} {target} {lang.phones[phone]} {lang.words[word]} {cost:.8g}")

    optional = next(phone for phone, number in lang.phones.items() if number == lang.optional_silence)
    silent = {(optional,), (f"{optional}_S",)}
    skip = take = None
    if silence_probability:
        skip, take = -math.log(1 - silence_probability), -math.log(silence_probability)
        after = BEHIND_SILENCE if disambiguate else LOOP
        arc(START, LOOP, "<eps>", cost=skip)
        arc(START, after, optional, cost=take)
        arc(SILENCE, after, optional)
        if disambiguate:
            arc(BEHIND_SILENCE, LOOP, f"#{len(lang.disambiguation) - 1}")
    else:
        arc(START, LOOP, "<eps>")
    state = BEHIND_SILENCE + 1
    for entry, number in zip(lexicon, disambiguators(lexicon), strict=True):
        phones = [*entry.phones, *([f"#{number}"] if disambiguate and number else [])]
        source, word, cost = LOOP, entry.word, -math.log(entry.probability)
        for phone in phones[:-1]:
            arc(source, state, phone, word, cost)
            source, state, word, cost = state, state + 1, "<eps>", 0.0
        if skip is None or entry.phones in silent:
            arc(source, LOOP, phones[-1], word, cost)
        else:
            arc(source, LOOP, phones[-1], word, cost + skip)
            arc(source, SILENCE, phones[-1], word, cost + take)
    if disambiguate:
        arc(LOOP, LOOP, WORD_DISAMBIGUATION, WORD_DISAMBIGUATION)
    lines.append(f"{LOOP} 0")
    fst = kaldifst.compile("\n".join(lines) + "\n")
    kaldifst.connect(fst)
    kaldifst.arcsort(fst, sort_type="olabel")
    return fst
