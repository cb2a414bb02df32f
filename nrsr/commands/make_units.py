"""Choose the output units of a recogniser from transcripts: characters, words or sentencepiece BPE.

Example:
    nrsr make-units --config conf/asr.yaml data/train/text exp/units

The key `units` of the config sets their kind: `units: {kind: word}`, `{kind: char}` or `{kind: bpe, size: 500}`.
"""

import argparse
from pathlib import Path

from nrsr.config import ConfigError, check_keys, load_yaml
from nrsr.data.units import Units
from nrsr.folders import making
from nrsr.kaldi.lists import read_list


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The config with the kind of units, the training text, and the folder to write."""
    parser.add_argument("--config", required=True, help="YAML file with the key units")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a value of the config")
    parser.add_argument("text", metavar="TEXT", help="Kaldi text file, or a data directory that has one")
    parser.add_argument("out_dir", metavar="OUT_DIR", help="folder for units.txt (and bpe.model)")


def run(args: argparse.Namespace) -> None:
    """Write the inventory of units found in the text, and print its size."""
    config = load_yaml(args.config, args.set)
    spec = config.get("units")
    if not isinstance(spec, dict) or "kind" not in spec:
        raise ConfigError(f"{args.config}: units: expected a mapping such as {{kind: word}}, found {spec!r}")
    check_keys(spec, ("kind", "size"), f"{args.config}: units")
    path = Path(args.text) / "text" if Path(args.text).is_dir() else Path(args.text)
    units = Units.from_text(read_list(path, allow_empty_values=True).values(), spec["kind"], spec.get("size"))
    with making(args.out_dir, "nrsr make-units"):
        units.save(args.out_dir)
    print(f"{args.out_dir}: {len(units)} units of kind {units.kind}")
