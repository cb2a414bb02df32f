"""Speech from espeak-ng: repeatable whatever the surroundings, and failing with a name."""

import numpy as np
import pytest

from nrsr.corpora import espeak

RATE = 8000
# A whispering variant: its breath noise comes from a generator that espeak-ng seeds from the clock.
BREATHY = espeak.Voice("en-us+whisper", 165, 50)
TEXTS = ["three one four", "turn on the kitchen light"]


def test_the_same_samples_each_time():
    first, again = (espeak.speak(BREATHY, TEXTS, RATE, seed=3) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.dtype == np.float32 and one.ndim == 1
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], espeak.speak(BREATHY, TEXTS, RATE, seed=4)[0])


def test_locale_and_the_machines_own_espeak_change_nothing(monkeypatch, tmp_path):
    first = espeak.speak(BREATHY, TEXTS, RATE, seed=0)
    for name, value in {"LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE", "ESPEAK_DATA_PATH": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    for one, other in zip(first, espeak.speak(BREATHY, TEXTS, RATE, seed=0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_speech_has_a_plausible_length_and_level():
    slow, fast = (espeak.speak(espeak.Voice("en+m1", rate, 50), TEXTS[:1], RATE, 0)[0] for rate in (120, 240))
    assert 1.2 * len(fast) < len(slow) < 3 * len(fast)
    assert 0.4 < len(fast) / RATE < 1.5
    assert 0.05 < np.abs(slow).max() < 0.99


def test_pitch_and_variant_change_the_fundamental():
    def fundamental(name: str, pitch: int) -> float:
        """Median over frames of the first strong peak of the autocorrelation, in Hz."""
        (wave,) = espeak.speak(espeak.Voice(name, 165, pitch), ["nine nine nine nine"], RATE, 0)
        frames = np.lib.stride_tricks.sliding_window_view(wave, 400)[::200]
        frames = frames[(frames**2).mean(axis=1) > 0.1 * (wave**2).mean()]
        lags = np.arange(RATE // 350, RATE // 60)
        correlation = np.stack([(frames[:, lag:] * frames[:, :-lag]).mean(axis=1) for lag in lags], axis=1)
        strong = correlation > 0.85 * correlation.max(axis=1, keepdims=True)
        return RATE / float(np.median(lags[strong.argmax(axis=1)]))

    male, high_male, female = fundamental("en+m3", 40), fundamental("en+m3", 75), fundamental("en+f2", 40)
    assert 60 < male < 0.9 * high_male
    assert 1.2 * male < female < 350


def test_many_voices_come_in_order():
    voices = [espeak.Voice(name, 165, 50) for name in ("en+m1", "en-us+f2", "en-gb-scotland+m4")]
    together = espeak.speak_all([(voice, TEXTS, 1) for voice in voices], RATE)
    for voice, waves in zip(voices, together, strict=True):
        for one, other in zip(waves, espeak.speak(voice, TEXTS, RATE, 1), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("voice", "said"), [("en-us+nobody", "no variant nobody"), ("xx+m1", "no such voice"), ("en+m1", "silence")]
)
def test_failures_are_named(voice, said):
    with pytest.raises(espeak.EspeakError, match=said) as caught:
        espeak.speak(espeak.Voice(voice, 165, 50), ["one", ""], RATE, 0)
    assert "\n" not in str(caught.value)


def test_espeak_that_is_not_installed_is_told(monkeypatch):
    assert espeak.check() == []
    monkeypatch.setattr(espeak.importlib.util, "find_spec", lambda name: None)
    assert "pip install espeakng-loader" in espeak.check()[0]
