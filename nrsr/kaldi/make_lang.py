"""From a dictionary to the contents of a lang folder: phones in their positions, disambiguation symbols, tree roots."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nrsr.kaldi.dictionary import POSITIONS, Dictionary, DictionaryError
from nrsr.kaldi.lang import WORD_DISAMBIGUATION, Lang, Root
from nrsr.kaldi.lexicon import Pronunciation
from nrsr.kaldi.lists import c_sorted
from nrsr.kaldi.symbols import number_symbols
from nrsr.kaldi.topo import topology_text
from nrsr.listing import shown

BOUNDARY = {"B": "begin", "E": "end", "I": "internal", "S": "singleton"}


@dataclass(frozen=True)
class LangOptions:
    """How a lang folder is made.

    Attributes:
        oov: the word that stands for words without a pronunciation.
        position_dependent: whether a phone at the begin, end or inside of a word, or alone, is a phone of its own.
        states, silence_states: emitting states of the HMMs.
        silence_probability: of optional silence at either end of an utterance and between words; 0 for none.
    """

    oov: str = "<unk>"
    position_dependent: bool = False
    states: int = 3
    silence_states: int = 5
    silence_probability: float = 0.5


def make_lang(dictionary: Dictionary, options: LangOptions) -> tuple[Lang, list[Pronunciation]]:
    """The contents of a lang folder, and its lexicon with the phones in their positions.

    Raises:
        DictionaryError: `oov` has no pronunciation, the dictionary has no speech phones, or names of phones end as if
            they had positions already.
        LangError: no such number of states.
    """
    if options.oov not in {entry.word for entry in dictionary.lexicon}:
        raise DictionaryError(f"the word for unknown words, {options.oov}, has no pronunciation; add it to the lexicon")
    if not dictionary.nonsilence:
        raise DictionaryError("there is no speech phone; list some in nonsilence_phones.txt")
    lexicon = dictionary.lexicon
    if options.position_dependent:
        _refuse_positions([*dictionary.silence_phones, *dictionary.speech_phones])
        lexicon = [entry._replace(phones=in_positions(entry.phones)) for entry in lexicon]
    silence = [_variants(phones, options, plain=True) for phones in dictionary.silence]
    nonsilence = [_variants(phones, options, plain=False) for phones in dictionary.nonsilence]
    extra = max(disambiguators(lexicon), default=0) + 1  # and one more, behind optional silence
    symbols = [f"#{number}" for number in range(extra + 1)]
    phones = number_symbols([phone for group in (*silence, *nonsilence) for phone in group] + symbols)
    words = number_symbols([*c_sorted({entry.word for entry in lexicon}), WORD_DISAMBIGUATION, "<s>", "</s>"])
    silence_ids, nonsilence_ids = _ids(silence, phones), _ids(nonsilence, phones)
    sets = [[phones[phone] for phone in group] for group in (*silence, *nonsilence)]
    topo = topology_text(nonsilence_ids, silence_ids, states=options.states, silence_states=options.silence_states)
    lang = Lang(
        phones=phones,
        words=words,
        oov=options.oov,
        silence=silence_ids,
        nonsilence=nonsilence_ids,
        optional_silence=phones[dictionary.optional_silence],
        disambiguation=[phones[symbol] for symbol in symbols],
        sets=sets,
        roots=[Root(shared=True, split=True, phones=group) for group in sets],
        questions=[[phones[phone] for phone in question] for question in _questions(dictionary, options)],
        word_boundary=_boundaries(phones, silence, nonsilence) if options.position_dependent else {},
        topo=topo,
    )
    return lang, lexicon


def in_positions(phones: Sequence[str]) -> tuple[str, ...]:
    """`a b c` becomes `a_B b_I c_E`; a phone alone becomes `a_S`."""
    if len(phones) == 1:
        return (f"{phones[0]}_S",)
    return (f"{phones[0]}_B", *(f"{phone}_I" for phone in phones[1:-1]), f"{phones[-1]}_E")


def disambiguators(lexicon: Sequence[Pronunciation]) -> list[int]:
    """Of each pronunciation the number of the disambiguation symbol at its end, 0 for none.

    Needed where several words sound alike and where one's phones begin another's (Mohri, Pereira and Riley 2008,
    section 3.1); the symbols of words that sound alike are #1, #2, ...
    """
    spoken = Counter(entry.phones for entry in lexicon)
    beginnings = {phones[:length] for phones in spoken for length in range(1, len(phones))}
    used: Counter[tuple[str, ...]] = Counter()
    numbers = []
    for entry in lexicon:
        alone = spoken[entry.phones] == 1 and entry.phones not in beginnings
        used[entry.phones] += not alone
        numbers.append(0 if alone else used[entry.phones])
    return numbers


def _refuse_positions(phones: Iterable[str]) -> None:
    ending = [phone for phone in phones if phone[-2:] in {f"_{position}" for position in POSITIONS}]
    if ending:
        raise DictionaryError(
            f"{len(ending)} phones end like positions in a word: {shown(ending)}; rename them, or make no"
            " position-dependent phones of them"
        )


def _variants(phones: Sequence[str], options: LangOptions, *, plain: bool) -> list[str]:
    """The phones of a set with all their positions; silence keeps the phone outside of words as well."""
    if not options.position_dependent:
        return list(phones)
    return [
        variant
        for phone in phones
        for variant in ([phone] if plain else []) + [f"{phone}_{position}" for position in POSITIONS]
    ]


def _ids(groups: Sequence[Sequence[str]], phones: dict[str, int]) -> list[int]:
    return sorted(phones[phone] for group in groups for phone in group)


def _boundaries(
    phones: dict[str, int], silence: Sequence[Sequence[str]], nonsilence: Sequence[Sequence[str]]
) -> dict[int, str]:
    """Phone -> kind of word_boundary.txt; silence outside of words is nonword."""
    kinds = {}
    for group, is_silence in [(group, True) for group in silence] + [(group, False) for group in nonsilence]:
        for place, phone in enumerate(group):
            # A group holds of each phone [plain,] B, E, I, S.
            outside = is_silence and place % (len(POSITIONS) + 1) == 0
            kinds[phones[phone]] = "nonword" if outside else BOUNDARY[phone[-1]]
    return kinds


def _questions(dictionary: Dictionary, options: LangOptions) -> list[list[str]]:
    """The dictionary's questions; with positions, each for every position, and one for every position alone."""
    if not options.position_dependent:
        return [list(question) for question in dictionary.questions]
    silence = set(dictionary.silence_phones)
    kinds = [dictionary.speech_phones, dictionary.silence_phones]
    questions = [[f"{phone}_{position}" for phone in kind] for kind in kinds for position in POSITIONS]
    questions.append(list(dictionary.silence_phones))
    for question in dictionary.questions:
        questions += [[f"{phone}_{position}" for phone in question] for position in POSITIONS]
        if plain := [phone for phone in question if phone in silence]:
            questions.append(plain)
    return questions
