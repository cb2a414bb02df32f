"""A small VoiceBank+DEMAND of the corpus's exact shape: folders, names, rate, texts and logs."""

from pathlib import Path

import numpy as np
from toy_wavs import wav_file

RATE = 48000
TRAIN = ("p226", "p227", "p228", "p287")  # p226 and p287 are for development
TEST = ("p232", "p257")
SENTENCES = ("Please call Stella.", "Ask her to bring these things\nwith her from the store.", "Don't -- it's a trap!")
TRAIN_NOISES = (("babble", "15"), ("cafeteria", "10"), ("ssn", "5"), ("traffic", "0"))
TEST_NOISES = (("bus", "17.5"), ("cafe", "12.5"), ("living", "7.5"), ("psquare", "2.5"))


def write_voicebank(root: Path, per_speaker: int = 3, seconds: float = 0.1) -> None:
    """Write ROOT/{clean,noisy}_{trainset_28spk,testset}_wav, the texts and the logs.

    A voice is a sum of harmonics with a pitch of its own; noise is white at the SNR that the log says.
    """
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * RATE)) / RATE
    for part, speakers, noises in (("trainset_28spk", TRAIN, TRAIN_NOISES), ("testset", TEST, TEST_NOISES)):
        folders = [root / name for name in (f"clean_{part}_wav", f"noisy_{part}_wav", f"{part}_txt")]
        for folder in folders:
            folder.mkdir(parents=True)
        log = []
        for number in range(len(speakers) * per_speaker):
            name = f"{speakers[number // per_speaker]}_{number % per_speaker + 1:03d}"
            pitch = 100 + 20 * (number // per_speaker)
            clean = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 8)) * np.sin(3 * np.pi * time) ** 2
            clean *= 0.2 / np.abs(clean).max()
            kind, snr = noises[number % len(noises)]
            noise = rng.normal(size=len(clean)) * np.sqrt(np.mean(clean**2)) * 10 ** (-float(snr) / 20)
            (folders[0] / f"{name}.wav").write_bytes(wav_file(clean, RATE))
            (folders[1] / f"{name}.wav").write_bytes(wav_file(np.clip(clean + noise, -0.99, 0.99), RATE))
            (folders[2] / f"{name}.txt").write_text(SENTENCES[number % len(SENTENCES)] + "\n")
            log.append(f"{name} {kind} {snr}\n")
        (root / f"log_{part}.txt").write_text("".join(log))
