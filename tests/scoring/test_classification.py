"""WA, UA and macro-F1: worked numbers, an independent count, pooling, intervals over speakers, confusion matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrsr.scoring import ScoreTable, ScoringError, find_metric, score_texts, summarise
from nrsr.scoring.classification import classes_of, confusion
from nrsr.scoring.metrics import macro_f1, ua, wa

# 4 angry (3 right, 1 taken for sad), 2 calm (1 right, 1 taken for angry), 2 sad (both taken for angry).
LABELS = ["angry", "angry", "angry", "angry", "calm", "calm", "sad", "sad"]
FOUND = ["angry", "angry", "angry", "sad", "calm", "angry", "angry", "angry"]
METRICS = [wa.METRIC, ua.METRIC, macro_f1.METRIC]


def table_of(labels, found, speakers=None, first: int = 0) -> ScoreTable:
    names = [f"u{number + first:04d}" for number in range(len(labels))]
    known = {"spk": dict(zip(names, speakers, strict=True))} if speakers else {}
    return score_texts(dict(zip(names, labels, strict=True)), dict(zip(names, found, strict=True)), known, METRICS[:1])


def values(*tables: ScoreTable) -> list[float]:
    """The metrics of tables together, as pooled over folds."""
    found = []
    for metric in METRICS:
        sums: dict[str, float] = {}
        for table in tables:
            for name, counted in metric.counts(table).items():
                sums[name] = sums.get(name, 0.0) + np.nansum(counted)
        found.append(float(metric.value({name: np.array(value) for name, value in sums.items()})))
    return found


def test_worked_numbers():
    f1 = [2 * 3 / (4 + 6), 2 * 1 / (2 + 1), 0.0]
    expected = [100 * 4 / 8, 100 * (3 / 4 + 1 / 2 + 0) / 3, 100 * sum(f1) / 3]
    assert values(table_of(LABELS, FOUND)) == pytest.approx(expected)
    matrix = confusion(table_of(LABELS, FOUND), ["angry", "calm", "sad"])
    assert matrix.tolist() == [[3, 0, 1], [1, 1, 0], [2, 0, 0]]


def by_definition(labels: list[str], found: list[str]) -> list[float]:
    """As scikit-learn defines accuracy, balanced accuracy and macro-F1: classes without utterances have no recall, and
    those that neither occur nor are given no F1.
    """
    pairs = list(zip(labels, found, strict=True))
    recalls, f1 = [], []
    for kind in sorted({*labels, *found}):
        hit = sum(one == two == kind for one, two in pairs)
        said, given_as = labels.count(kind), found.count(kind)
        if said:
            recalls.append(hit / said)
        precision, recall = hit / given_as if given_as else 0.0, hit / said if said else 0.0
        f1.append(2 * precision * recall / (precision + recall) if hit else 0.0)
    right = sum(one == two for one, two in pairs)
    return [100 * right / len(pairs), 100 * np.mean(recalls), 100 * np.mean(f1)]


KIND = st.sampled_from("abcd")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(KIND, KIND), min_size=1, max_size=30), st.integers(0, 30))
def test_as_by_definition_whole_and_in_two_parts(pairs, cut):
    labels, found = map(list, zip(*pairs, strict=True))
    assert values(table_of(labels, found)) == pytest.approx(by_definition(labels, found))
    cut = cut % len(pairs)
    if cut:
        parts = table_of(labels[:cut], found[:cut]), table_of(labels[cut:], found[cut:], first=cut)
        assert values(*parts) == pytest.approx(by_definition(labels, found))


def test_utterances_without_a_label_do_not_count():
    """As those of a generator that is given no classes, beside which others are."""
    assert values(table_of([*LABELS, "-", "-"], [*FOUND, "sad", "-"])) == values(table_of(LABELS, FOUND))
    assert np.isnan(values(table_of(["-", "-"], ["sad", "calm"]))).all()


def test_intervals_over_speakers_are_wider_where_speakers_differ():
    rng = np.random.default_rng(0)
    speakers = [f"s{number % 6}" for number in range(240)]
    labels = [("a", "b")[number // 6 % 2] for number in range(240)]
    right = rng.random(240) < np.array([0.95 if speaker < "s3" else 0.2 for speaker in speakers])
    found = [label if good else {"a": "b", "b": "a"}[label] for label, good in zip(labels, right, strict=True)]
    table = table_of(labels, found, speakers)
    rows = [summarise(table, METRICS, draws=1000, speakers=one) for one in (False, True)]
    assert [row["bootstrap"]["over"] for row in rows] == [["utterances"], ["speakers"]]
    widths = [np.diff(row["total"][""]["ua"]["interval"])[0] for row in rows]
    assert rows[0]["total"][""]["ua"]["value"] == rows[1]["total"][""]["ua"]["value"]
    assert widths[1] > 2 * widths[0]
    with pytest.raises(ScoringError, match="intervals over speakers: utterances without a speaker"):
        summarise(table_of(LABELS, FOUND), METRICS, draws=1000, speakers=True)


def test_the_package_knows_them_by_name():
    assert [find_metric(name).title for name in ("wa", "ua", "macro_f1")] == ["WA", "UA", "macro-F1"]
    assert classes_of(table_of(["b"], ["a"]), table_of(["c"], ["c"])) == ["a", "b", "c"]
