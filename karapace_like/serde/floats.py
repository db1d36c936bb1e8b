"""How JSON shows binary floating-point numbers, where its own numbers do not do: not-finite and 32-bit ones."""

import struct
from math import isfinite, isnan

NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""The strings that stand for what JSON has no number for, in Avro's and in Protobuf's JSON alike."""

FLOAT_END = 2**128 - 2**103
"""The smallest number that rounds to infinity in 32 bits."""

DOUBLE_END = 2**1024 - 2**970
"""The smallest number that rounds to infinity in 64 bits."""

pack_float = struct.Struct("<f").pack


def show(number: float) -> float | str:
    """A 64-bit number for a JSON encoder."""
    if isfinite(number):
        return number
    return "NaN" if isnan(number) else "Infinity" if number > 0 else "-Infinity"


def render_float(number: float) -> float | str:
    """A 32-bit number for a JSON encoder: the shortest decimal that reads back as it, 0.1 and not 0.10000000149."""
    if not isfinite(number):
        return show(number)
    encoded = pack_float(number)
    for digits in range(6, 9):
        shorter = float(f"{number:.{digits}g}")
        if abs(shorter) < FLOAT_END and pack_float(shorter) == encoded:
            return shorter
    return float(f"{number:.9g}")
