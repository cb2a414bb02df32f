"""Which utterances are recognised together: alike in duration, under a cap of padded audio."""

from collections.abc import Mapping

BATCH_SECONDS = 300.0  # padded seconds in a batch, so that long utterances do not fill the memory


def make_batches(durations: Mapping[str, float], size: int) -> list[list[str]]:
    """Utterance ids in batches of like durations (seconds), the longest first; they do not depend on workers."""
    batches: list[list[str]] = []
    for utterance in sorted(durations, key=lambda utterance: (-durations[utterance], utterance)):
        # The first of a batch is its longest, and the others are padded to it.
        if batches and len(batches[-1]) < size and durations[batches[-1][0]] * (len(batches[-1]) + 1) <= BATCH_SECONDS:
            batches[-1].append(utterance)
        else:
            batches.append([utterance])
    return batches
