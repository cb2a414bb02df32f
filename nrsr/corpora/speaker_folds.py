"""Speakers divided over the sets of a fold: no speaker in two sets, each group (men, women) in all of them."""

from collections.abc import Sequence


def speaker_sets(groups: Sequence[Sequence[str]], fold: int, folds: int) -> dict[str, tuple[str, ...]]:
    """Set -> its speakers.

    Over all folds each speaker is tested once. Development data are half (rounded up) of those whom the next fold
    tests, of each group; all others train.
    """
    sets: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    for group in groups:
        following = [speaker for number, speaker in enumerate(group) if number % folds == (fold + 1) % folds]
        development = set(following[: (len(following) + 1) // 2])
        for number, speaker in enumerate(group):
            name = "test" if number % folds == fold else "dev" if speaker in development else "train"
            sets[name].append(speaker)
    return {name: tuple(sorted(speakers)) for name, speakers in sets.items()}
