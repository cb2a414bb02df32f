"""Fbank and MFCC against torchaudio and kaldi-native-fbank, in batches, and their gradients."""

import math

import numpy as np
import pytest
import soundfile
import torch

from nrsr.signal import Fbank, FeatureError, Mfcc

RECORDINGS = ("fsdd/recordings/7_jackson_3.wav", "nonspeech/n46.wav", "emodb/wav/03a01Fa.wav")
GRID = [
    {},
    {"num_mel_bins": 40, "window_type": "hamming", "snip_edges": False},
    {"window_type": "hanning", "use_energy": True, "raw_energy": False, "energy_floor": 1.0},
    {"window_type": "rectangular", "remove_dc_offset": False, "use_energy": True, "htk_compat": True},
    {"window_type": "blackman", "preemphasis": 0.0, "low_freq": 100.0, "high_freq": -300.0, "snip_edges": False},
    {"frame_length": 32.0, "frame_shift": 8.0, "high_freq": 3500.0, "use_energy": True, "energy_floor": 1e9},
    {"window_type": "hamming", "frame_length": 20.0, "frame_shift": 25.0, "preemphasis": 0.9, "snip_edges": False},
    {"round_to_power_of_two": False, "frame_length": 30.0, "num_mel_bins": 15, "use_energy": True},
]
FBANK_GRID = GRID + [
    {"use_log_fbank": False, "use_power": False},
    {"use_power": False, "window_type": "hamming"},
    {"use_log_fbank": False, "use_energy": True},
]
MFCC_GRID = GRID + [
    {"num_ceps": 20, "cepstral_lifter": 0.0},
    {"use_energy": False, "htk_compat": True},
    {"num_ceps": 23, "use_energy": False, "snip_edges": False},
]
# Peers' names of the options that they call otherwise.
KNF_NAMES = {
    "frame_length": "frame_opts.frame_length_ms",
    "frame_shift": "frame_opts.frame_shift_ms",
    "window_type": "frame_opts.window_type",
    "snip_edges": "frame_opts.snip_edges",
    "dither": "frame_opts.dither",
    "preemphasis": "frame_opts.preemph_coeff",
    "remove_dc_offset": "frame_opts.remove_dc_offset",
    "round_to_power_of_two": "frame_opts.round_to_power_of_two",
    "num_mel_bins": "mel_opts.num_bins",
    "low_freq": "mel_opts.low_freq",
    "high_freq": "mel_opts.high_freq",
}
TORCHAUDIO_NAMES = {"preemphasis": "preemphasis_coefficient"}
DEFAULTS = {"dither": 0.0, "energy_floor": 0.0, "num_mel_bins": 23}


def generated(samples: int, seed: int = 0) -> np.ndarray:
    """A tone that glides, with an offset, a silent stretch and some noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / 8000
    wave = 0.3 * np.sin(2 * np.pi * (300 + 400 * time) * time) + 0.02 + 0.01 * rng.standard_normal(samples)
    wave[samples // 2 : samples // 2 + 700] = 0.0
    return np.float32(wave)


@pytest.fixture(scope="module")
def waves(request) -> list[tuple[np.ndarray, int]]:
    """Generated audio, and real recordings where there are some."""
    found = [(generated(6001), 8000)]
    try:
        folder = request.getfixturevalue("shared_data")
    except pytest.skip.Exception:
        return found
    for name in RECORDINGS:
        wave, rate = soundfile.read(folder / name, dtype="float32")
        found.append((wave[:40000], rate))
    return found


def assert_close(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Within 1e-4 of the other's, relative to the largest feature of the frame (to the mean one, if silent)."""
    assert ours.shape == theirs.shape
    error = np.abs(ours - theirs) / np.maximum(np.abs(theirs).max(axis=1, keepdims=True), np.abs(theirs).mean())
    assert error.max() < 1e-4


def native_features(wave: np.ndarray, rate: int, kind: str, options: dict) -> np.ndarray:
    """What kaldi-native-fbank computes."""
    native = pytest.importorskip("kaldi_native_fbank", reason="no kaldi-native-fbank", exc_type=ImportError)
    settings = getattr(native, f"{kind}Options")()
    settings.frame_opts.samp_freq = rate
    for name, value in {**DEFAULTS, **options}.items():
        target, _, field = KNF_NAMES.get(name, name).rpartition(".")
        assert hasattr(getattr(settings, target) if target else settings, field)
        setattr(getattr(settings, target) if target else settings, field, value)
    computer = getattr(native, f"Online{kind}")(settings)
    computer.accept_waveform(rate, (wave * 32768).tolist())
    computer.input_finished()
    return np.array([computer.get_frame(frame) for frame in range(computer.num_frames_ready)])


def torchaudio_features(wave: np.ndarray, rate: int, kind: str, options: dict) -> np.ndarray:
    """What torchaudio.compliance.kaldi computes, in float64."""
    kaldi = pytest.importorskip(
        "torchaudio.compliance.kaldi", reason="no torchaudio", exc_type=(ImportError, OSError, RuntimeError)
    )
    function = getattr(kaldi, kind.lower())
    renamed = {TORCHAUDIO_NAMES.get(name, name): value for name, value in {**DEFAULTS, **options}.items()}
    return function(torch.as_tensor(wave, dtype=torch.float64)[None] * 32768, sample_frequency=rate, **renamed).numpy()


def in_float64(extractor: Fbank | Mfcc, wave: np.ndarray) -> np.ndarray:
    doubled = torch.as_tensor(wave, dtype=torch.float64)[None]
    return extractor.double()(doubled, torch.tensor([len(wave)]))[0][0].numpy()


def equals_native(wave: np.ndarray, rate: int, kind: type, options: dict) -> None:
    assert_close(kind(rate, **options).compute(wave), native_features(wave, rate, kind.__name__, options))


def equals_torchaudio(wave: np.ndarray, rate: int, kind: type, options: dict) -> None:
    """torchaudio's own float32 features are up to 1.6e-4 off its float64 ones in filters some 70 dB below their
    frame's loudest, so float64 is compared with float64; float32_is_enough does the rest."""
    theirs = torchaudio_features(wave, rate, kind.__name__, options)
    assert_close(in_float64(kind(rate, **options), wave), theirs)


def float32_is_enough(wave: np.ndarray, rate: int, kind: type, options: dict) -> None:
    assert_close(kind(rate, **options).compute(wave), in_float64(kind(rate, **options), wave))


@pytest.mark.parametrize("check", [equals_native, equals_torchaudio, float32_is_enough])
@pytest.mark.parametrize("options", FBANK_GRID, ids=str)
def test_fbank(waves, check, options):
    for wave, rate in waves:
        check(wave, rate, Fbank, options)


@pytest.mark.parametrize("check", [equals_native, equals_torchaudio, float32_is_enough])
@pytest.mark.parametrize("options", MFCC_GRID, ids=str)
def test_mfcc(waves, check, options):
    for wave, rate in waves:
        check(wave, rate, Mfcc, {"use_energy": True, **options})


@pytest.mark.parametrize("kind", [Fbank, Mfcc])
@pytest.mark.parametrize("snip_edges", [True, False])
@pytest.mark.parametrize("window_type", ["povey", "hamming"])
def test_padding_and_rubbish_past_the_end_change_nothing(kind, snip_edges, window_type):
    extractor = kind(8000, snip_edges=snip_edges, window_type=window_type, use_energy=True)
    lengths = torch.tensor([3000, 1777, 200, 90, 41, 0])
    batch = torch.rand(6, 3000, generator=torch.Generator().manual_seed(0)) - 0.5
    features, frames = extractor(batch, lengths)
    assert frames.tolist() == ([36, 20, 1, 0, 0, 0] if snip_edges else [38, 22, 3, 1, 1, 0])
    assert features.shape == (6, frames[0], extractor.dim)
    for row, length in enumerate(lengths.tolist()):
        alone = extractor.compute(batch[row, :length].numpy())
        np.testing.assert_allclose(features[row, : frames[row]], alone, atol=1e-3)
        assert not features[row, frames[row] :].any()


@pytest.mark.parametrize("kind", [Fbank, Mfcc])
@pytest.mark.parametrize("options", [{}, {"snip_edges": False}, {"preemphasis": 0.0}, {"frame_length": 5.0}], ids=str)
def test_nan_past_the_end_changes_nothing(kind, options):
    extractor = kind(8000, use_energy=True, **options)
    lengths = torch.tensor([3000, 1777, 200, 90])
    batch = torch.rand(4, 3000, generator=torch.Generator().manual_seed(0)) - 0.5
    expected, _ = extractor(batch, lengths)
    batch[torch.arange(3000) >= lengths.unsqueeze(1)] = torch.nan
    torch.testing.assert_close(extractor(batch, lengths)[0], expected, rtol=0, atol=0)


def test_short_utterance_is_mirrored_again_and_again():
    wave = generated(41)
    period = np.concatenate([wave, wave[::-1]])
    longer = np.tile(period, 10)
    middle = Fbank(8000, preemphasis=0.0).compute(longer[82 * 4 - 60 : 82 * 4 + 140])
    np.testing.assert_allclose(Fbank(8000, preemphasis=0.0, snip_edges=False).compute(wave)[:1], middle, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [{}, {"snip_edges": False, "window_type": "hamming"}, {"use_energy": True, "raw_energy": False}],
    ids=str,
)
@pytest.mark.parametrize("kind", [Fbank, Mfcc])
def test_gradients(kind, options):
    torch.manual_seed(0)
    if kind is Mfcc:
        options = {**options, "num_ceps": 4}
    extractor = kind(1000, num_mel_bins=6, low_freq=0.0, frame_length=64.0, frame_shift=20.0, **options).double()
    waves = (torch.randn(2, 120, dtype=torch.float64) * 0.1).requires_grad_()
    lengths = torch.tensor([120, 90])
    assert torch.autograd.gradcheck(lambda w: extractor(w, lengths)[0], waves, atol=1e-4)


@pytest.mark.parametrize("use_power", [True, False])
def test_gradient_of_silence_is_finite(use_power):
    waves = torch.zeros(1, 800, requires_grad=True)
    features, _ = Fbank(8000, use_power=use_power)(waves, torch.tensor([800]))
    assert features.eq(math.log(torch.finfo(torch.float32).eps)).all()
    features.sum().backward()
    assert waves.grad.isfinite().all()


def test_dither_adds_its_power():
    torch.manual_seed(0)
    silence = np.zeros(80000)
    mel = Fbank(
        8000,
        dither=2.0,
        preemphasis=0.0,
        remove_dc_offset=False,
        window_type="rectangular",
        use_log_fbank=False,
        use_energy=True,
    ).compute(silence)
    assert np.exp(mel[:, 0]).mean() == pytest.approx(200 * 4.0, rel=0.03)


def test_scale_is_kaldis():
    features = Fbank(8000, use_energy=True, remove_dc_offset=False).compute(np.full(200, 0.5))
    assert features[0, 0] == pytest.approx(math.log(200 * 16384.0**2), rel=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"window_type": "kaiser"},
        {"high_freq": 4100.0},
        {"low_freq": -1.0},
        {"num_mel_bins": 120},
        {"preemphasis": 2.0},
        {"dither": -1.0},
        {"frame_shift": 0.01},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [Fbank, Mfcc])
def test_bad_options_are_refused(kind, options):
    with pytest.raises(FeatureError):
        kind(8000, **options)


def test_more_cepstra_than_filters_are_refused():
    with pytest.raises(FeatureError, match="num_ceps 24"):
        Mfcc(8000, num_ceps=24)


def test_odd_transforms_are_refused():
    with pytest.raises(FeatureError, match="odd number of samples .275."):
        Fbank(11000, round_to_power_of_two=False)
