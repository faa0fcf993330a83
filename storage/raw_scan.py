"""The raw text of a scan, kept exactly and shown harmlessly, whatever it holds.

Standard library only. Knows no record: what the text means is nobody's business here.
"""

from __future__ import annotations


def spelled(raw: str) -> str:
    """`raw` with every character that cannot be printed escaped, so that it can be shown anywhere.

    Escape sequences, line ends and marks that turn the writing direction lose their power. It is
    for people and not one to one: the text `\\x1b` and the character look alike.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in raw
    )


def raw_to_hex(raw: str) -> str:
    """The UTF-8 bytes of any text in hex. Half surrogates of a broken scan are kept as such."""
    return raw.encode("utf-8", "surrogatepass").hex()


def raw_from_hex(digits: str) -> str:
    """The text that `raw_to_hex` wrote. Raises ValueError."""
    return bytes.fromhex(digits).decode("utf-8", "surrogatepass")
