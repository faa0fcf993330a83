"""Money is whole cents and digits, in every module of claims, and never a float."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import station
import storage.claims
from storage.amounts import plain, worded
from storage.intake.money import cents_of

MODULES = sorted(
    [
        path
        for path in Path(storage.claims.__path__[0]).glob("*.py")
        if not path.name.startswith(("review", "propos"))
    ]
    + [
        Path(station.__path__[0]) / name
        for name in (
            "cli_claims.py",
            "cli_claims_out.py",
            "claim_asked.py",
            "claim_lines.py",
            "claiming.py",
        )
    ]
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_of_claims_makes_a_float(path: Path) -> None:
    """No float stands in it, none is named, and nothing is divided with a rest that is lost."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
        assert not (isinstance(node, ast.Name) and node.id in ("float", "round", "format")), where
        assert not (isinstance(node, ast.Attribute) and node.attr in ("truediv", "fsum")), where
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            # What stands behind a `/` is the name of a file: it joins a path and divides nothing.
            name = node.right
            assert isinstance(name, ast.Constant) and isinstance(name.value, str), where
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            assert isinstance(node.format_spec, ast.JoinedStr)
            end = node.format_spec.values[-1]
            kind = str(end.value)[-1:] if isinstance(end, ast.Constant) else ""
            assert kind not in set("eEfFgG%"), where
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            assert not isinstance(node.left, ast.Constant), where


def test_the_test_sees_modules() -> None:
    assert {"batch.py", "steps.py", "form.py", "claim_asked.py"} <= {path.name for path in MODULES}


@given(st.integers(0, 10**15), st.sampled_from(["USD", "EUR", "CNY", ""]))
def test_an_amount_comes_back_to_the_cent(cents: int, currency: str) -> None:
    assert Decimal(plain(cents)) * 100 == cents
    assert plain(cents).partition(".")[2].isdigit()
    assert cents_of(worded(cents, currency)) == (cents, currency)


def test_amounts_that_floats_get_wrong() -> None:
    for cents in (1, 10, 29, 57, 1_15, 4_35, 1_001_10, 9_007_199_254_740_993, 10**15 - 1):
        assert plain(cents) == f"{cents // 100}.{cents % 100:02d}"
    assert plain(9_007_199_254_740_993) == "90071992547409.93"
    assert (plain(None), worded(None, "USD"), worded(0, "USD")) == ("", "", "0.00 USD")
    assert plain(-105) == "-1.05"
