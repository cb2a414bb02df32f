"""Waveforms of mel features that an scp lists, wherever they come from: a data directory, or another toolkit."""

import time
from collections.abc import Sequence
from pathlib import Path

from nrsr.data.mel_inputs import MelInputs
from nrsr.data.outputs import WaveFiles
from nrsr.folders import making
from nrsr.inference.application import ApplyError
from nrsr.inference.apply import copy_lists, lists_for, refuse_failures, write_log, write_outputs, write_skipped
from nrsr.inference.batches import make_batches
from nrsr.inference.driver import MakeApplication, Pass, Settings, shared
from nrsr.kaldi import DataDir
from nrsr.kaldi.contents import remove_other_lists


def vocode(
    make: MakeApplication, scp: Path, out: Path, settings: Settings, *, files: bool = False, head: Sequence[str] = ()
) -> str:
    """Write the waveforms of all features in a list as OUT/wav.ark and OUT/wav.scp, and OUT/vocode.log.

    Where the list is that of a data directory, so is OUT: the lists that stay valid are copied.

    Args:
        make: makes `SystemOutputs` of a vocoder, with its output "wav" alone.
        files: write OUT/wav/UTTERANCE.wav in place of the ark.

    Returns:
        the log's last line: number of utterances and real-time factor.

    Raises:
        ApplyError: a system that takes no mel features; utterances that failed, after the others are written.
        NrsrError: whatever is wrong with experiment, features or options.
    """
    if out.resolve() == scp.parent.resolve():
        raise ApplyError(f"{out}: is the folder of {scp.name} itself; name another one")
    started = time.perf_counter()
    application, make = shared(make, settings)
    if not issubclass(application.reads, MelInputs):
        raise ApplyError("nrsr vocode: the system takes no mel features; apply it with nrsr apply")
    inputs, output = application.of_scp(scp, **settings.reading), application.outputs["wav"]
    del application  # several workers have their own
    outputs = {"wav": WaveFiles(output.rate, output.lists) if files else output}
    run = Pass(make, inputs, make_batches(inputs.durations(), settings.batch_size), settings, f"batches of {scp}")
    head = [*head, f"features {scp}, {settings.nj} workers, batches of {settings.batch_size}"]
    data = DataDir(scp.parent) if (scp.parent / "utt2spk").is_file() else None
    with making(out, "nrsr vocode"):
        written = write_outputs(run, outputs, out)
        write_log(run, out / "vocode.log", head, time.perf_counter() - started)
        lists = lists_for(output, data) if data is not None else []
        if data is not None:
            copy_lists(data, out, lists, written["wav"])
        remove_other_lists(out, {*lists, "wav.scp"})
        write_skipped(run, out)
    if run.failures:
        refuse_failures(run, out)
    return run.speed()
