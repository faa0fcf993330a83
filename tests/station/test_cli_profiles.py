"""`packwitness profiles`: what each place accepts, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from station.cli import main
from station.config import load_config
from storage.evidence.kit.profiles import load


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit code of `packwitness profiles`, and what it printed on stdout and stderr."""
    code = main(["profiles", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A site that has a profile of its own, and another limit for Shopee."""
    folder = tmp_path / "site"
    folder.mkdir()
    limit = 'source = "their mail", as_of = "2026-11-20", certainty = "official", note = "in MiB"'
    (folder / "own.toml").write_text(
        '[our-carrier]\nbase = "stills-3"\ntitle = { en = "Our carrier", zh = "我们的承运商" }\n'
        f"[our-carrier.limits]\nfile_bytes = {{ value = 500_000, {limit} }}\n"
        f"[shopee.limits]\nvideo_ms = {{ value = 30_000, {limit} }}\n"
    )
    path = folder / "config.toml"
    path.write_text('[evidence]\nprofiles = "own.toml"\n')
    return path


def test_the_list_shows_each_profile_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    lines = out.splitlines()
    assert code == 0 and lines[0].startswith("PROFILE")
    (shopee,) = (line for line in lines if line.startswith("shopee "))
    assert "video 60 s" in shopee and "30 MB" in shopee and "second-hand" in shopee
    assert len(lines) == 1 + len(load())


def test_one_profile_is_told_with_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "ups-damage")
    assert code == 0 and "box_certificate" in out and "UPS 破损索赔" in out
    assert "official, 2026-11: ups.com" in out and "conflict" in out


def test_the_sites_own_file_counts(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_config(config).profiles_file == config.with_name("own.toml")
    _, out, _ = run(capsys, "--config", config)
    assert "Our carrier (yours)" in out and "video 30 s" in out
    _, out, _ = run(capsys, "our-carrier", "--config", config)
    assert "0.5 MB" in out and "in MiB" in out and "their mail" in out


def test_json_holds_all_of_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--json", "--config", config)
    told = {each["name"]: each for each in json.loads(out)}
    assert code == 0 and told["our-carrier"]["own"] and told["our-carrier"]["base"] == "stills-3"
    assert told["shopee"]["limits"]["video_ms"]["value"] == 30_000
    assert told["shopee"]["makes"] == ["video", "stills"]
    _, out, _ = run(capsys, "shopee", "--json")
    assert [each["name"] for each in json.loads(out)] == ["shopee"]


def test_an_unknown_name_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "shoppee")
    assert code == 1 and not out and err.count("\n") == 1 and "shopee" in err


def test_a_bad_file_is_told_with_its_place(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.with_name("own.toml").write_text("[shopee.limits]\nfiles = 3\n")
    code, _, err = run(capsys, "--config", config)
    assert code == 1 and "own.toml: shopee.limits.files must be a table" in err
