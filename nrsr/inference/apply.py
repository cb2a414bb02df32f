"""Applying a trained system to a data directory or to audio files, and writing outputs, log and skipped utterances.

An utterance that fails does not stop the others: it is listed by name in OUT/skipped, the others are written, and the
command ends with an error.
"""

import functools
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from nrsr.data.inputs import FileInputs
from nrsr.data.outputs import Output
from nrsr.files import atomic_copy, atomic_open
from nrsr.folders import making
from nrsr.inference.application import Application, ApplyError
from nrsr.inference.batches import make_batches
from nrsr.inference.driver import MakeApplication, Pass, Settings, as_it_is, shared
from nrsr.kaldi import DataDir, write_list
from nrsr.kaldi.audio_states import SOURCES_OF, audio_states, write_states
from nrsr.kaldi.contents import AUDIO_SCP, label_lists, remove_other_lists, spk2utt_of
from nrsr.listing import SHOWN, shown

SKIPPED = "skipped"


def apply_data(
    make: MakeApplication,
    data: DataDir,
    out: Path,
    settings: Settings,
    *,
    command: str = "apply",
    head: Sequence[str] = (),
    files: Mapping[str, str | None] | None = None,
) -> str:
    """Apply to every utterance of a data directory, and write the outputs into a folder.

    Each output writes its own files, and they appear together at the end; those of the system's other outputs, which an
    earlier run may have written, are removed. The lists that are valid for an output are copied beside it.
    OUT/<command>.log has `head`, remarks on utterances and the times; OUT/skipped lists the failures,
    OUT/utt2source_audio size and time of the audio files, so that outputs are not scored with other audio.

    Args:
        command: that of `nrsr`, for the log's name and for messages.
        files: name -> content of further files to write; None removes that of an earlier run.

    Returns:
        the log's last line: number of utterances and real-time factor.

    Raises:
        ApplyError: utterances that failed, after the others are written; nothing is written where all failed.
        NrsrError: whatever is wrong with experiment, data or options.
    """
    if out.resolve() == data.path.resolve():
        raise ApplyError(f"--out {out}: is the data directory itself; name another one")
    started = time.perf_counter()
    application, make = shared(make, settings)
    inputs, outputs, known = application.open(data, **settings.reading), application.outputs, application.known
    del application  # several workers have their own
    batches = make_batches(inputs.durations(), settings.batch_size)
    run = Pass(make, inputs, batches, settings, f"batches of {data.path}")
    states = audio_states(data)
    head = [*head, f"data {data.path}, {settings.nj} workers, batches of {settings.batch_size}"]
    with making(out, f"nrsr {command}"):
        written = write_outputs(run, outputs, out)
        write_log(run, out / f"{command}.log", head, time.perf_counter() - started)
        _remove_files(out, known, outputs)
        for name, content in (files or {}).items():
            if content is None:
                (out / name).unlink(missing_ok=True)
                continue
            with atomic_open(out / name) as stream:
                stream.write(content)
        _copy_all_lists(data, out, outputs, written)
        write_states(out / SOURCES_OF, {name: state for name, state in states.items() if name not in run.failures})
        write_skipped(run, out)
    if run.failures:
        refuse_failures(run, out)
    return run.speed()


def write_outputs(run: Pass, outputs: Mapping[str, Output], out: Path) -> dict[str, set[str]]:
    """Write the results of a pass; returns the utterances of each output."""
    written: dict[str, set[str]] = {name: set() for name in outputs}
    with ExitStack() as stack:
        # The first output is entered first and thus appears last.
        writers = {name: stack.enter_context(output.writer(out, name)) for name, output in outputs.items()}
        for utterance, result in run:
            for name, value in result.values.items():
                if remark := writers[name].write(utterance, value):
                    run.remarks.setdefault(remark, []).append(utterance)
                written[name].add(utterance)
    return written


def _remove_files(out: Path, known: Mapping[str, Output], outputs: Mapping[str, Output]) -> None:
    """Remove the files of known outputs that this run has not written."""
    kept = {file for name, output in outputs.items() for file in output.files(name)}
    stale = {file for name, output in known.items() for file in output.files(name)} - kept
    for file in stale:
        (out / file).unlink(missing_ok=True)
        if file.endswith(".scp"):
            (out / file).with_suffix(".ark").unlink(missing_ok=True)


def _copy_all_lists(data: DataDir, out: Path, outputs: Mapping[str, Output], written: Mapping[str, set[str]]) -> None:
    """Copy the lists valid for outputs, and remove those of an earlier run where OUT becomes a data directory."""
    valid = {name: lists_for(output, data) for name, output in outputs.items()}
    for name, lists in valid.items():
        copy_lists(data, out, lists, written[name])
    if copied := {name for lists in valid.values() for name in lists}:
        remove_other_lists(out, copied.union(*(output.files(name) for name, output in outputs.items())))


def lists_for(output: Output, data: DataDir) -> list[str]:
    """The lists of a data directory that are valid for an output; with those of utterances, all labels of one's own.

    Parallel audio that is listed by recording, as it may be beside `segments`, is none of them, and stderr names it.
    """
    lists = []
    for name in filter(data.has, output.lists):
        if data.has("segments") and AUDIO_SCP.fullmatch(name) and not data.read(name).keys() <= set(data.utterances):
            print(f"{data.path / name}: lists recordings, not utterances, and is not copied", file=sys.stderr)
        else:
            lists.append(name)
    return lists + label_lists(data.path) if lists else lists


def pass_over_files(application: Application, inputs: FileInputs, settings: Settings) -> Pass:
    """Apply to audio files, one after the other in their order, in this process; `report_files` says what failed."""
    return Pass(functools.partial(as_it_is, application), inputs, [[file] for file in inputs], settings, "files")


def apply_files(
    application: Application, inputs: FileInputs, out: Path, settings: Settings, *, command: str, ending: str = ""
) -> str:
    """Apply to audio files, and write the waveforms into out/NAME + ending + .wav (16 bits, at the system's rate).

    Args:
        application: with one output, a `WaveOutput`.
        command: that of `nrsr`, for messages.

    Returns:
        number of files and real-time factor.

    Raises:
        ApplyError: two files of one name, a file that would be written over, or files that failed; the others are
            written.
    """
    stems = [Path(name).stem for name in inputs]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise ApplyError(f"{', '.join(twice)}: several files of one name; {command} them into folders of their own")
    [(name, output)] = application.outputs.items()
    for file, stem in zip(inputs, stems, strict=True):
        if any((out / f"{written}.wav").resolve() == Path(file).resolve() for written in output.names(stem + ending)):
            raise ApplyError(f"--out {out}: {file} would be written over; name another folder")
    run = pass_over_files(application, inputs, settings)
    with making(out, f"nrsr {command}"):
        for file, result in run:
            for value in result.values.values():
                if output.save(value, out, Path(file).stem + ending):
                    print(f"{file}: scaled down to fit 16 bits", file=sys.stderr)
    report_files(run)
    return f"{out}: {run.speed('files')}"


def report_files(run: Pass) -> None:
    """Print remarks on files on stderr, and name those that failed.

    Raises:
        ApplyError: there are such.
    """
    for note in run.notes(what="files"):
        print(note, file=sys.stderr)
    for file, failure in run.failures.items():
        print(f"{file}: failed: {failure.reason}", file=sys.stderr)
    if run.failures:
        total = run.done + len(run.failures)
        raise ApplyError(f"{len(run.failures)} of {total} files failed: {shown(list(run.failures))}")


def write_log(run: Pass, path: Path, head: Sequence[str], passed: float) -> None:
    """Write a log: `head`, remarks on utterances (on stderr too), failures, and the times.

    Args:
        passed: seconds since the start.
    """
    seconds, wall, cpu = run.seconds
    for note in run.notes(SHOWN):
        print(note, file=sys.stderr)
    lines = [
        *head,
        *run.notes(),
        *(f"{name} failed: {failure.reason}" for name, failure in sorted(run.failures.items())),
        f"{seconds:.1f} s of input took {wall:.2f} s, {cpu:.2f} s of CPU time, summed over workers; {passed:.2f} s "
        "passed, loading included",
        run.speed(),
    ]
    with atomic_open(path) as stream:
        stream.writelines(line + "\n" for line in lines)


def copy_lists(data: DataDir, out: Path, names: Sequence[str], written: set[str]) -> None:
    """Copy lists of a data directory, for the utterances that were written."""
    complete = written >= set(data.utterances)
    for name in names:
        if not data.has(name):
            continue
        if complete:
            atomic_copy(data.path / name, out / name)
        elif name == "spk2utt":
            if data.has("utt2spk"):
                write_list(out / name, spk2utt_of(_of(written, data.read("utt2spk"))))
        elif name.startswith("spk2"):
            speakers = _of(written, data.read("utt2spk")) if data.has("utt2spk") else {}
            write_list(out / name, _of(set(speakers.values()), data.read(name, allow_empty_values=True)))
        else:
            write_list(out / name, _of(written, data.read(name, allow_empty_values=True)))


def _of(ids: set[str], entries: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in entries.items() if key in ids}


def write_skipped(run: Pass, out: Path) -> None:
    """Write OUT/skipped where utterances failed, and remove it where none did."""
    if run.failures:
        write_list(out / SKIPPED, {name: failure.reason for name, failure in run.failures.items()})
    else:
        (out / SKIPPED).unlink(missing_ok=True)


def refuse_failures(run: Pass, out: Path) -> None:
    """Raise an ApplyError that names the utterances which failed."""
    failed = sorted(run.failures)
    raise ApplyError(
        f"{len(failed)} of {run.done + len(failed)} utterances failed and are not in {out}: {shown(failed)}; "
        f"{failed[0]}: {run.failures[failed[0]].reason}; {out / SKIPPED} lists them all, the others are written"
    )
