"""Heads and checkpoints from the command line, and by a bench at work."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from station.cli import main
from storage import checkpoints, schema
from storage.archive import Archive
from storage.checkpoint_files import heads
from storage.ledger import Head, LedgerEvent, entries, facts
from tests.station.packing import config, running
from tests.storage.desk import Desk
from tests.storage.tsa import Authority


def whole(root: Path) -> bool:
    """True when the checkpoints hold, and the newest stands for all but what came after it."""
    db = schema.connect(root / schema.DATABASE, read_only=True)
    try:
        return list(checkpoints.problems(db, root)) == []
    finally:
        db.close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive with one parcel, on a PC without a configuration."""
    root = tmp_path / "archive"
    with Archive.open(root) as opened:
        Desk(opened).pack()
    return root


def test_head_prints_what_a_checkpoint_signs(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["head", "--archive", str(archive)]) == 0
    head = Head.parse(capsys.readouterr().out)
    assert main(["head", "--archive", str(archive), "--json"]) == 0
    spoken = json.loads(capsys.readouterr().out)
    assert spoken == {"seq": head.seq, "hash": head.hash, "head": str(head)}
    assert main(["checkpoint", "--archive", str(archive)]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert json.loads(path.read_bytes())["hash"] == head.hash
    assert main(["checkpoint", "--archive", str(archive), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["head"], again["path"], again["stamped"]) == (str(head), str(path), False)
    assert whole(archive)


def test_without_an_archive_both_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("head", "checkpoint"):
        assert main([command, "--archive", str(tmp_path / "none")]) == 1
        assert "no archive" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_a_checkpoint_is_stamped_where_an_authority_is_configured(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "config.toml"
    with Authority(tmp_path / "tsa") as authority:
        settings.write_text(
            f'[archive]\npath = "{archive.as_posix()}"\n[ledger]\ntsa = "{authority.address}"\n'
        )
        authority.mood = "error"
        assert main(["checkpoint", "--config", str(settings), "--json"]) == 0
        printed = capsys.readouterr()
        assert json.loads(printed.out)["stamped"] is False
        assert "asked again later" in printed.err
        authority.mood = "well"
        assert main(["checkpoint", "--config", str(settings), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["stamped"] is True
    assert whole(archive)


async def test_a_bench_signs_the_ledger_when_it_closes(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as at:
        at.bench._clock_offset_ms -= 60_000
        await asyncio.sleep(2.5)
    (seq,) = heads(tmp_path)
    with Archive.open(tmp_path, read_only=True) as archive:
        assert archive.head().seq == seq
    db = schema.connect(tmp_path / schema.DATABASE, read_only=True)
    told = [facts(entry) for entry in entries(db)]
    db.close()
    jumps = [each["by_ms"] for each in told if each["event"] == LedgerEvent.CLOCK_JUMPED]
    assert jumps == [pytest.approx(60_000, abs=1_000)]
    assert whole(tmp_path)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_a_bench_has_its_checkpoints_stamped(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    with Archive.open(root) as archive:
        Desk(archive).pack()
        made = archive.checkpoint().result()
    with Authority(tmp_path / "tsa") as authority:
        plain = config(root)
        ledger = plain.ledger.model_copy(update={"tsa": authority.address})
        async with running(plain.model_copy(update={"ledger": ledger})):
            for _ in range(100):
                if (root / "ledger" / f"{made.seq:012d}.tsr").is_file():
                    break
                await asyncio.sleep(0.1)
    assert (root / "ledger" / f"{made.seq:012d}.tsr").is_file()
    assert whole(root)
