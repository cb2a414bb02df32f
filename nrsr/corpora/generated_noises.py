"""Generated noise recordings for a corpus: instances of the types of nrsr.signal.noises, each type a category."""

from collections.abc import Iterator, Sequence

import numpy as np

from nrsr.corpora.datadirs import Noise
from nrsr.corpora.draws import generator

# Types of nrsr.signal.noises. Held out: one steady, one of tones, one of cracks, one that comes and goes.
SEEN = ("white", "pink", "brown", "blue", "babble", "hum", "siren", "engine", "clicks", "wind", "fan", "birds", "train")
UNSEEN = ("rain", "beeps", "crackle", "traffic")
SECONDS = 15.0


def generated_noises(
    corpus: str, name: str, kinds: Sequence[str], instances: int, speech: list[np.ndarray], seed: int, rate: int
) -> Iterator[Noise]:
    """Fresh instances of each type for the noise set `name` of a corpus.

    Args:
        speech: waveforms at `rate` that babble is mixed from.
        seed: with corpus, set, type and number of the instance it says which instance is drawn.
    """
    from nrsr.signal.noises import NOISES  # imports torch, which --help does without

    samples = int(SECONDS * rate)
    for kind in kinds:
        for number in range(1, instances + 1):
            rng = generator(seed, corpus, "noise", name, kind, number)
            pool = (speech,) if kind == "babble" else ()
            wave = NOISES[kind](samples, rate, rng, *pool).astype(np.float32)
            yield Noise(f"{kind}-{name}-{number:02d}", kind, wave)
