"""Speak texts with espeak-ng in a process of its own: a JSON request on stdin, samples on stdout.

Run by path (espeak.py does), so it needs nothing of nrsr. espeak-ng keeps state from one utterance to the next
(flutter, breath) that no call resets, and seeds its noise from the clock: one process per speaker, a fixed order
and a seed before each text make the samples the same each time. The calls are those of espeak-ng's
speak_lib.h and espeak_ng.h, version 1.52.
"""

import ctypes
import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path

# Constants of speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
POS_CHARACTER = 1
CHARS_UTF8 = 1
PARAMETER_RATE, PARAMETER_VOLUME, PARAMETER_PITCH = 1, 2, 3

SAMPLE_RATE = 22050  # of espeak-ng's own voices
VOLUME = 50  # of 100, the default, at which some variants clip

SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main() -> None:
    """Request {voice, rate, pitch, seed, texts}; answers, for each text, its number of samples and 16-bit samples."""
    request = json.load(sys.stdin)
    speak = load_voice(request["voice"], request["rate"], request["pitch"])
    for number, text in enumerate(request["texts"]):
        samples = speak(text, request["seed"] + number)
        sys.stdout.buffer.write(struct.pack("<I", len(samples) // 2) + samples)


def load_voice(voice: str, rate: int, pitch: int) -> Callable[[str, int], bytes]:
    """Start the synthesiser that came with espeakng-loader, not the machine's own; exits with one line on failure."""
    import espeakng_loader

    data = Path(espeakng_loader.get_data_path())
    variant = voice.partition("+")[2]
    if variant and not (data / "voices" / "!v" / variant).is_file():
        # espeak-ng would speak with its default voice instead, and say nothing.
        sys.exit(f"voice {voice}: {data} has no variant {variant}")
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    started = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, str(data).encode(), INITIALIZE_DONT_EXIT)
    if started != SAMPLE_RATE:
        sys.exit(f"espeak-ng does not start with the voices in {data} (it answers {started})")
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        sys.exit(f"voice {voice}: espeak-ng has no such voice in {data}")
    library.espeak_SetParameter(PARAMETER_RATE, rate, 0)
    library.espeak_SetParameter(PARAMETER_VOLUME, VOLUME, 0)
    library.espeak_SetParameter(PARAMETER_PITCH, pitch, 0)
    pieces: list[bytes] = []

    @SynthCallback
    def collect(samples, count, _events) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(collect)

    def speak(text: str, seed: int) -> bytes:
        pieces.clear()
        library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        encoded = text.encode() + b"\0"
        if library.espeak_Synth(encoded, len(encoded), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None) != 0:
            sys.exit(f"voice {voice}: espeak-ng cannot speak '{text}'")
        return b"".join(pieces)

    speak.callback = collect  # ctypes does not keep it alive for the library
    return speak


if __name__ == "__main__":
    main()
