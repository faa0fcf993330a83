"""Check digits: whether the last characters of a tracking number follow from the others.

Stands below `carriers.py`, whose rules name these functions. Each takes the characters that the
check covers, shaped as the rule's pattern has found them, so that none of them can raise. Knows no
carrier's shapes and no configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def gs1(number: str) -> bool:
    """GS1 General Specifications 7.9: weights 3, 1 from the right, modulus 10. IMpb codes, FedEx
    Ground and Canada Post count the same way."""
    return -_weighted(number[:-1], (3, 1)) % 10 == int(number[-1])


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of the digits times the weights, which repeat from the right."""
    return sum(
        int(digit) * weights[place % len(weights)] for place, digit in enumerate(reversed(digits))
    )


def _fedex(number: str) -> bool:
    """Weights 1, 3, 7 from the right, modulus 11, then 10: a remainder of 10 is written 0."""
    return _weighted(number[:-1], (1, 3, 7)) % 11 % 10 == int(number[-1])


def _s10(number: str) -> bool:
    """UPU S10: weights 8 6 4 2 3 5 9 7, modulus 11; 10 is written 0 and 11 is written 5."""
    check = 11 - _weighted(number[2:10], (7, 9, 5, 3, 2, 4, 6, 8)) % 11
    return {10: 0, 11: 5}.get(check, check) == int(number[10])


def _mod7(number: str) -> bool:
    return int(number[:-1]) % 7 == int(number[-1])


def _luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B: every other digit doubled, the digits of all summed, modulus 10."""
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(number[:-1])))
    return -sum(value // 10 + value % 10 for value in doubled) % 10 == int(number[-1])


def _alternating(body: str, check: str) -> bool:
    """UPS modulus 10: weights 1, 2 from the left; A counts 2, B 3 and so on, modulus 10."""
    values = [int(char) if char.isdecimal() else (ord(char) - 63) % 10 for char in body]
    return -(sum(values[::2]) + 2 * sum(values[1::2])) % 10 == int(check)


def _mod37(text: str) -> bool:
    """ISO/IEC 7064 MOD 37,36: digits and letters, the check character among them."""
    check = 36
    for char in text[:-1]:
        check = (int(char, 36) + check) % 36 or 36
        check = check * 2 % 37
    return (check + int(text[-1], 36)) % 36 == 1


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "gs1": gs1,
    "fedex": _fedex,
    "s10": _s10,
    "mod7": _mod7,
    "luhn": _luhn,
    "mod37": _mod37,
    "ups": lambda number: _alternating(number[2:-1], number[-1]),
    "waybill": lambda number: _alternating(number[1:-1], number[-1]),
    "ontrac": lambda number: _alternating(number[:-1], number[-1]),
    # older USPS numbers are printed without the 91 that their check digit counts
    "usps": lambda number: gs1(number) or (number[0] == "7" and gs1("91" + number)),
}
"""By the name that `carriers.toml` has for them."""
