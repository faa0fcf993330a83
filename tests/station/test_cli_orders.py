"""`packwitness import`: shown, mapped, filed, told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from station import orders_import
from station.cli import main
from storage.archive import Archive
from storage.errors import ImportInterrupted, StorageFailed
from storage.order import Order
from tests.storage.desk import NUMBER, Desk
from tests.storage.intake import exports


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed archive with one parcel."""
    monkeypatch.chdir(tmp_path)
    with Archive.open(tmp_path / "archive") as archive:
        Desk(archive).pack()
    return tmp_path / "archive"


def dropped(tmp_path: Path, text: str, name: str = "orders.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def run(
    capsys: pytest.CaptureFixture[str], root: Path, *arguments: str | Path
) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["import", *map(str, arguments), "--archive", str(root)])
    told = capsys.readouterr()
    return code, told.out, told.err


def order_in(root: Path, text: str) -> Order | None:
    with Archive.open(root, read_only=True) as archive:
        return archive.order(text)


SHEET = f"Ref,Parcel,Art\nA-1,{NUMBER},MUG-1\nA-2,,CUP-2\n"
MAPPED = ("--map", "order=Ref", "--map", "number=parcel", "--map", "sku=Art")


def test_a_dry_run_shows_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, root: Path
) -> None:
    path = dropped(tmp_path, f"order id,tracking number,qty\nA-1,{NUMBER},\x1b[2J\n")
    before = (root / "archive.db").read_bytes()
    code, out, err = run(capsys, root, path, "--dry-run")
    assert code == 1
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines == [
        f"{path}: generic, 3 columns, guessed by its headings",
        "FIELD COLUMN ROW 1",
        "order order id A-1",
        f"number tracking number {NUMBER}",
        "quantity qty [2J",
        f"{path}: would be 1 orders new, 0 changed, 0 known; 1 links new; 1 bad",
    ]
    assert err == f"packwitness: {path}: line 2, qty: is no quantity: '\\x1b[2J'\n"
    assert (root / "archive.db").read_bytes() == before
    assert order_in(root, "A-1") is None


def test_a_mapping_is_said_kept_and_forgotten(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, root: Path
) -> None:
    path = dropped(tmp_path, SHEET)
    code, _, err = run(capsys, root, path)
    assert code == 1 and "--map order=COLUMN; it begins with: Ref, Parcel, Art" in err
    code, _, err = run(capsys, root, path, "--map", "order=Ref", "--map", "sku=Nothing")
    assert code == 1 and "no column 'Nothing', only: Ref, Parcel, Art" in err
    for wrong in ("colour=Art", "order"):
        assert run(capsys, root, path, "--map", wrong)[0] == 2
    assert run(capsys, root, path, *MAPPED, "--dry-run")[0] == 0
    assert run(capsys, root, path)[0] == 1, "a dry run keeps no mapping"
    code, out, err = run(capsys, root, path, *MAPPED)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].endswith("as you say")
    assert out.splitlines()[-1].endswith("2 orders new, 0 changed, 0 known; 1 links new; 0 bad")
    code, out, _ = run(capsys, root, path, "--json")
    told: dict[str, Any] = json.loads(out)
    assert (told["mapping"], told["known"], told["new"], told["links"]) == ("saved", 2, 0, 0)
    assert told["columns"] == {"order": "Ref", "number": "Parcel", "sku": "Art"}
    assert told["preview"][0] == {"order": "A-1", "number": NUMBER, "sku": "MUG-1"}
    assert run(capsys, root, path, "--forget-map", *MAPPED, "--dry-run")[0] == 0
    assert run(capsys, root, path, "--forget-map", *MAPPED)[0] == 0
    assert run(capsys, root, path, "--forget-map")[0] == 1
    with Archive.open(root, read_only=True) as archive:
        assert [each.id for each in archive.orders_in(NUMBER)] == ["A-1"]
        assert len(archive.find("A-1")) == 1, "it is joined to the parcel that was packed before"


def test_the_site_says_what_a_file_leaves_open(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, root: Path
) -> None:
    path = dropped(tmp_path, "order id,order date,total\nA-1,03/04/2026 10:00,¥12.50\n")
    code, _, err = run(capsys, root, path)
    assert code == 0
    assert "'03/04/2026 10:00' can be read two ways" in err
    assert "a sign that several currencies share" in err
    found = order_in(root, "A-1")
    assert found == Order("A-1")
    config = dropped(
        tmp_path,
        '[orders]\ntime_zone = "Asia/Shanghai"\ndates = "dmy"\ncurrency = "CNY"\n',
        "c.toml",
    )
    assert run(capsys, root, path, "--config", config) == (
        0,
        f"{path}: generic, 3 columns, as it was kept for this header\n"
        "  FIELD       COLUMN\n  order       order id\n  value       total\n"
        "  ordered_at  order date\n"
        f"{path}: 0 orders new, 1 changed, 0 known; 0 links new; 0 bad\n",
        "",
    )
    found = order_in(root, "A-1")
    assert found is not None and found.ordered_at is not None
    assert (found.value_cents, found.currency) == (1250, "CNY")
    assert found.ordered_at.isoformat() == "2026-04-03T02:00:00+00:00"


def test_hostile_cells_are_harmless(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, root: Path
) -> None:
    huge = "x" * 1_000_000
    rows = [
        {"Order ID": "=HYPERLINK(1)", "Seller Note": huge, "Order Amount": huge},
        {"Order ID": "2\0", "Order Status": "\x1b[31m"},
        {"Order ID": "3", "Seller Note": "a\0b\x1b[2J", "Order Status": "\x1b[31m"},
        {"Order ID": huge},
    ]
    path = dropped(tmp_path, exports.tiktok(rows))
    code, out, err = run(capsys, root, path)
    assert code == 1
    assert all(sign.isprintable() or sign == "\n" for sign in out + err)
    assert len(out + err) < 2_000
    first, third = order_in(root, "=HYPERLINK(1)"), order_in(root, "3")
    assert first is not None and third is not None
    assert (len(first.note), third.note) == (1_000, "a b [2J")


def test_a_failing_archive_tells_how_far_it_came(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from station.config import load_config

    path = dropped(tmp_path, "order id,sku\n" + "".join(f"A-{n},S\n" for n in range(25)))
    monkeypatch.setattr(orders_import, "BATCH", 10)
    whole = Archive.file_orders
    calls: list[int] = []

    def failing(archive: Archive, orders: tuple[Order, ...]) -> Any:
        calls.append(len(orders))
        if len(calls) == 3:
            raise StorageFailed(root, "filing orders", "disk I/O error")
        return whole(archive, orders)

    with Archive.open(root) as archive:
        found = orders_import.read(load_config(None), archive, path)
        with monkeypatch.context() as patch:
            patch.setattr(Archive, "file_orders", failing)
            with pytest.raises(ImportInterrupted, match="20 of 25 orders are filed"):
                orders_import.file(archive, path, found)
        assert calls == [10, 10, 5]
        filed = orders_import.file(archive, path, found)
        assert (filed.known, filed.new) == (20, 5)
