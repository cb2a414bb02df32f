"""Writing arks and their scps so that both appear whole or not at all."""

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from nrsr.errors import NrsrError
from nrsr.files import atomic_open
from nrsr.kaldi import wav
from nrsr.kaldi.lists import c_sorted, problem_of_id
from nrsr.kaldi.objects import binary_bytes, checked_array, text_bytes
from nrsr.kaldi.specifiers import WRITE_OPTIONS, TableError, split_specifier
from nrsr.kaldi.streams import is_pipe


class ArkFile:
    """An ark, its scp or both under temporary names; they appear when the block ends well."""

    def __init__(self, ark: str | None, scp: str | None):
        if ark is None:
            raise TableError("an scp alone holds no data; write ark:FILE or ark,scp:ARK,SCP")
        if is_pipe(ark) or ark.endswith(".gz"):
            raise TableError(f"{ark}: tables are written to plain files; compress or pipe them afterwards")
        if scp is not None and Path(ark).absolute() == Path(scp).absolute():
            raise TableError(f"{ark}: ark and scp have the same name; give two names")
        self.ark, self.scp = ark, scp
        self.entries: dict[str, str] = {}
        self.position = 0
        self.stack = ExitStack()

    def __enter__(self) -> "ArkFile":
        # The ark is entered last and thus renamed first: a scp never points into an ark that is not there.
        self.scp_stream = self.stack.enter_context(atomic_open(self.scp)) if self.scp is not None else None
        try:
            self.stream = self.stack.enter_context(atomic_open(self.ark, "wb"))
        except BaseException as error:
            self.stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def add(self, key: str, content: bytes) -> None:
        """Append one object."""
        head = key.encode("utf-8") + b" "
        self.entries[key] = f"{self.ark}:{self.position + len(head)}"
        self.stream.write(head)
        self.stream.write(content)
        self.position += len(head) + len(content)

    def check_key(self, key: str) -> None:
        """Raise a TableError for a key that is no Kaldi id or that was written before."""
        problem = problem_of_id(key)
        if problem is None and key in self.entries:
            problem = f"key {key!r} is written twice; make the keys unique"
        if problem is not None:
            raise TableError(f"{self.ark}: {problem}")

    def __exit__(self, kind, error, traceback) -> None:
        if kind is None:
            try:
                self.finish()
            except BaseException as failure:
                self.stack.__exit__(type(failure), failure, failure.__traceback__)
                raise
        self.stack.__exit__(kind, error, traceback)

    def finish(self) -> None:
        """Bring all bytes to the disk before the first rename, since a full disk may show as late as here."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        if self.scp is not None:
            self.scp_stream.writelines(f"{key} {self.entries[key]}\n" for key in c_sorted(self.entries))
            self.scp_stream.flush()
            os.fsync(self.scp_stream.fileno())
            # Killed between the two renames, no old scp may point into the new ark.
            Path(self.scp).unlink(missing_ok=True)


class TableWriter:
    """Write a table: `with TableWriter("ark,scp:x.ark,x.scp") as writer: writer[key] = array`.

    Args:
        wspecifier: "ark:ARK", "ark,t:ARK" (text) or "ark,scp:ARK,SCP". The scp names the ark as given here,
            so a relative name is relative to the current folder, as in Kaldi.
        compress: 8-bit compressed matrices (16 bits for up to 8 rows), Kaldi's automatic method.

    Raises:
        TableError: bad or repeated key; anything but finite float vectors and matrices and int vectors.
    """

    def __init__(self, wspecifier: str, *, compress: bool = False):
        kinds, options, names = split_specifier(wspecifier, WRITE_OPTIONS)
        parts = [part.strip() for part in names.split(",")] if len(kinds) == 2 else [names]
        if len(parts) != len(kinds) or not all(parts):
            raise TableError(f"{wspecifier!r} needs a file for each of {', '.join(kinds)}; write ark,scp:x.ark,x.scp")
        files = dict(zip(kinds, parts, strict=True))
        self.text = "t" in options
        self.compress = compress and not self.text
        self.file = ArkFile(files.get("ark"), files.get("scp"))

    def __enter__(self) -> "TableWriter":
        self.file.__enter__()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self.file.__exit__(kind, error, traceback)

    def __setitem__(self, key: str, array: np.ndarray) -> None:
        self.file.check_key(key)
        try:
            checked = checked_array(array, self.compress)
        except NrsrError as error:
            raise TableError(f"{self.file.ark}: the value of key {key!r} {error}") from None
        self.file.add(key, text_bytes(checked) if self.text else binary_bytes(checked, self.compress))


class WaveWriter:
    """Write mono audio as a wav ark with its scp: `with WaveWriter("w.ark", "wav.scp", 8000) as w: w[utt] = wave`.

    Args:
        ark_path, scp_path: files to write; the scp names the ark as given here. Without an scp (None), `entries`
            holds its lines.
        rate: samples per second.
        bits: 16 (PCM, rounded) or 32 (float, exact).

    Raises:
        TableError: bad or repeated key; no samples, NaN, not one-dimensional; beyond ±1 with 16 bits (clipping).
    """

    def __init__(self, ark_path: str | Path, scp_path: str | Path | None, rate: int, *, bits: int = 16):
        if bits not in (16, 32):
            raise TableError(f"{ark_path}: wav arks have 16 or 32 bits, not {bits}; choose one of them")
        self.rate, self.bits = int(rate), bits
        self.file = ArkFile(str(ark_path), None if scp_path is None else str(scp_path))

    @property
    def entries(self) -> dict[str, str]:
        """key -> right-hand side of the scp."""
        return self.file.entries

    def __enter__(self) -> "WaveWriter":
        self.file.__enter__()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        self.file.__exit__(kind, error, traceback)

    def __setitem__(self, key: str, wave: np.ndarray) -> None:
        self.file.check_key(key)
        wave = np.asarray(wave, dtype=np.float32)
        problem = None
        if wave.ndim != 1 or len(wave) == 0:
            problem = f"has the shape {list(wave.shape)}; write mono audio [T] with T > 0"
        elif not np.isfinite(wave).all():
            problem = "contains NaN or infinite samples; find where they come from"
        elif self.bits == 16 and (peak := float(np.abs(wave).max())) > 1.0:
            problem = f"reaches {peak:.4g} and 16 bits would clip it; scale it below 1, or write with bits=32"
        if problem is not None:
            raise TableError(f"{self.file.ark}: the audio of key {key!r} {problem}")
        if self.bits == 16:
            wave = np.clip(np.rint(wave * 32768.0), -32768, 32767).astype(np.int16)
        self.file.add(key, wav.encode(wave, self.rate))
