"""Adding noise to clean speech at a wanted signal-to-noise ratio."""

import numpy as np

from nrsr.errors import NrsrError
from nrsr.signal.activity import active_power

PEAK = 0.99  # largest sample that leaves room for rounding to 16 bits


class MixingError(NrsrError):
    """Speech or noise that cannot be mixed at a signal-to-noise ratio, such as silence."""


class SilentSpeechError(MixingError):
    """Speech without any sound, for which no SNR is defined."""


def power(wave: np.ndarray) -> float:
    """Mean square of all samples."""
    return float(np.mean(np.square(wave, dtype=np.float64))) if len(wave) else 0.0


def fit_noise(noise: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A stretch of noise of the wanted length: cropped at random, or repeated end to end where it is shorter.

    Where a random crop falls into digital silence, the crop is moved to hold the noise's loudest sample.
    """
    if len(noise) < samples:
        start = int(rng.integers(len(noise)))
        return np.concatenate([noise[start:], np.tile(noise, -(-samples // len(noise)))])[:samples]
    last = len(noise) - samples
    start = int(rng.integers(last + 1))
    if not noise[start : start + samples].any():
        start = min(max(int(np.abs(noise).argmax()) - samples // 2, 0), last)
    return noise[start : start + samples]


def mix(
    speech: np.ndarray, noise: np.ndarray, snr_db: float, rng: np.random.Generator, *, active: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add noise to speech.

    Args:
        speech: [T] clean speech in ±1.
        noise: [M] noise of any length above 0, at the same rate.
        snr_db: power of the speech over the power of the noise, in dB.
        rng: draws where the noise is cropped or starts.
        active: take the speech's power over its active samples (`nrsr.signal.activity`) instead of all.
            The noise's power is that of the stretch added, whole.

    Returns:
        mixture, clean, noise [T] as float32: mixture == clean + noise exactly. The speech keeps its level
        unless something would clip; then one gain lowers all three.

    Raises:
        MixingError: empty, silent or non-finite speech or noise, or an SNR that is no finite number.
    """
    check_mixable(speech, noise, snr_db)
    added = scaled_noise(speech, fit_noise(noise, len(speech), rng), snr_db, active=active)
    clean = speech.astype(np.float64)
    gain = gain_against_clipping(clean, added, clean + added)
    clean, added = (clean * gain).astype(np.float32), (added * gain).astype(np.float32)
    return clean + added, clean, added


def check_mixable(speech: np.ndarray, noise: np.ndarray, snr_db: float) -> None:
    """Refuse signals that cannot be mixed, before any of them is used.

    Raises:
        MixingError: empty or non-finite speech or noise, or an SNR that is no finite number.
    """
    for what, wave in (("speech", speech), ("noise", noise)):
        if wave.ndim != 1 or not len(wave):
            raise MixingError(f"{what}: expected one channel with samples, found shape {wave.shape}")
        if not np.isfinite(wave).all():
            raise MixingError(f"{what}: holds NaN or infinite samples; repair or leave out the recording")
    if not np.isfinite(snr_db):
        raise MixingError(f"SNR {snr_db}: expected a finite number of dB")


def scaled_noise(speech: np.ndarray, stretch: np.ndarray, snr_db: float, *, active: bool) -> np.ndarray:
    """Noise [T] at the level that gives the SNR beside speech [T]; float64.

    Args:
        active: as `mix`.

    Raises:
        SilentSpeechError: silent speech.
        MixingError: silent noise.
    """
    speech_power = active_power(speech) if active else power(speech)
    noise_power = power(stretch)
    for what, level, kind in (("speech", speech_power, SilentSpeechError), ("noise", noise_power, MixingError)):
        if level == 0.0:
            raise kind(f"{what}: silent, so no gain gives {snr_db:g} dB; leave out the recording")
    return stretch.astype(np.float64) * np.sqrt(speech_power / noise_power * 10.0 ** (-snr_db / 10.0))


def gain_against_clipping(*waves: np.ndarray) -> float:
    """The gain, at most 1, with which no sample of these waves is beyond `PEAK`."""
    peak = max(max(float(wave.max()), -float(wave.min())) for wave in waves)
    return min(1.0, PEAK / peak) if peak > 0.0 else 1.0
