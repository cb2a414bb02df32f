"""Symbol tables of OpenFst and Kaldi (phones.txt, words.txt): a symbol and its number a line."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from nrsr.files import atomic_open
from nrsr.kaldi.lists import ListError, read_list

EPSILON = "<eps>"
HIGHEST = 2**31 - 1  # of numbers that an FST can hold


def number_symbols(symbols: Iterable[str]) -> dict[str, int]:
    """Symbol -> number, `<eps>` first with 0, the others in their order."""
    return {symbol: number for number, symbol in enumerate([EPSILON, *symbols])}


def read_symbols(path: str | Path) -> dict[str, int]:
    """Symbol -> number.

    Raises:
        ListError: the file is missing, a symbol appears twice, a number is none or appears twice, or `<eps>` is not 0.
    """
    table: dict[str, int] = {}
    owners: dict[int, str] = {}
    for symbol, number in read_list(path).items():
        if not (number.isascii() and number.isdigit() and len(number) <= 10 and int(number) <= HIGHEST):
            raise ListError(f"{path}: symbol {symbol!r} has {number!r} where its number should be; correct the line")
        if (owner := owners.setdefault(int(number), symbol)) != symbol:
            raise ListError(
                f"{path}: symbols {owner!r} and {symbol!r} both have the number {number}; make the file anew"
            )
        table[symbol] = int(number)
    if table.get(EPSILON) != 0:
        raise ListError(f"{path}: {EPSILON} must have the number 0; this is no symbol table of Kaldi's")
    return table


def write_symbols(path: str | Path, table: Mapping[str, int]) -> None:
    """Write a table in the order of its numbers."""
    with atomic_open(path) as stream:
        stream.writelines(
            f"{symbol} {number}\n" for symbol, number in sorted(table.items(), key=lambda entry: entry[1])
        )
