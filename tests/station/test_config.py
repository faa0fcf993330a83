"""A site's choices: what is accepted, and what a site is told when it is not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from station.config import Config, load_config, with_archive, with_language, with_sources
from station.config_faults import ConfigError
from station.waybill import understand
from storage.records import Waybill

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def faults(folder: Path, text: str) -> list[str]:
    """What the site is told about a file with `text`, without the file's name."""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def table_of(field: Any) -> type[BaseModel] | None:
    kinds = (field.annotation, *get_args(field.annotation))
    return next(
        (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None
    )


def test_example_holds_every_key_and_no_other() -> None:
    data = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert set(data) == set(Config.model_fields)
    for name, field in Config.model_fields.items():
        table = table_of(field)
        assert table is not None
        rows = data[name] if isinstance(data[name], list) else [data[name]]
        for row in rows:
            assert set(row) == set(table.model_fields), name


def test_example_spells_the_defaults() -> None:
    example = load_config(EXAMPLE)
    default = Config()
    for section in ("bench", "archive", "recording", "shot", "session", "disk", "scanner"):
        assert getattr(example, section) == getattr(default, section), section
    (camera,) = example.camera
    assert (camera.width, camera.height, camera.fps, camera.scan) == (None, None, None, False)


def test_example_comments_every_key_where_it_first_stands() -> None:
    seen: set[str] = set()
    table = ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = line
        elif found := re.match(r"(\w+) = ", line):
            key = f"{table}.{found[1]}"
            # the later tables of a list repeat the keys that the first one explained
            assert key in seen or "  # " in line, line
            seen.add(key)


def test_no_file_gives_the_simulated_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config()
    assert config.simulated
    assert config.path is None
    assert [camera.name for camera in config.camera] == ["overhead", "side"]
    assert [shot.slot for shot in config.shot] == ["item", "packaging", "sealed_box", "label"]


def test_the_file_of_the_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text('[bench]\nname = "north"\n[archive]\npath = "kept"\n')
    monkeypatch.chdir(tmp_path)
    config = load_config()
    assert config.bench.name == "north"
    assert config.archive.path == tmp_path / "kept"
    assert config.simulated


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load_config(tmp_path / "absent.toml")


def test_an_archive_below_the_file_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.toml"
    path.write_text('[archive]\npath = "evidence"\n')
    assert load_config(path).archive.path == tmp_path / "evidence"
    path.write_text('[archive]\npath = "~/evidence"\n')
    assert load_config(path).archive.path == Path.home() / "evidence"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[session]\nrescan = "bep"', "session.rescan = 'bep': allowed is 'beep' or 'finish'"),
        ("[session]\nmax_s = 5", "session.max_s = 5: allowed is a number from 10 to 86,400"),
        (
            "[recording]\npre_roll_s = 61",
            "recording.pre_roll_s = 61: allowed is a number from 0 to 60",
        ),
        (
            "[recording]\npre_roll_s = nan",
            "recording.pre_roll_s = nan: allowed is a number from 0 to 60",
        ),
        (
            "[recording]\npre_roll_s = true",
            "recording.pre_roll_s = true: allowed is a number from 0 to 60",
        ),
        (
            "[recording]\npre_rol_s = 5",
            "recording.pre_rol_s: is no key here; did you mean pre_roll_s?",
        ),
        ("[sesion]", "sesion: is no key here; did you mean session?"),
        ("[bench]\nzzz = 1", "bench.zzz: is no key here; known are name, packer, language, sound"),
        ('[bench]\nsound = "yes"', "bench.sound = 'yes': allowed is true or false"),
        ('[bench]\nname = ""', "bench.name = '': allowed is one line of 1 to 40 characters"),
        (
            '[bench]\nname = "a\\u001b[2J"',
            r"bench.name = 'a\x1b[2J': allowed is one line of 1 to 40 characters",
        ),
        ('bench = "x"', "bench = 'x': allowed is a table, such as [bench]"),
        ("camera = []", "camera = []: allowed is a list with at least one entry"),
        ('[[camera]]\nname = "a"', "camera[0].source: is missing and has no default"),
        (
            '[[camera]]\nname = "A"\nsource = 0',
            "camera[0].name = 'A': allowed is 1 to 32 letters a-z, digits and -, "
            "such as 'overhead'",
        ),
        (
            '[[camera]]\nname = "a"\nsource = 0\nwidth = 7',
            "camera[0].width = 7: "
            "allowed is a whole number from 64 to 8,192, or 0 for what the camera gives",
        ),
        (
            '[[camera]]\nname = "a"\nsource = 0\n[[camera]]\nname = "a"\nsource = 1',
            "camera[1].name = 'a': allowed is a name used only once",
        ),
        (
            '[[shot]]\nslot = "item"\n[[shot]]\nslot = "item"',
            "shot[1].slot = 'item': allowed is a name used only once",
        ),
        (
            '[[shot]]\nslot = "item"\ncamera = "top"',
            "shot[0].camera = 'top': allowed is 'overhead' or 'side', or '' for the first camera",
        ),
        ("[disk]\nlow_gb = 1", "disk.full_gb = 2.0: allowed is at most low_gb, 1"),
        (
            "[session]\nwarn_before_s = 300",
            "session.warn_before_s = 300.0: allowed is less than 300",
        ),
        (
            "[scanner]\nmin_length = 41",
            "scanner.min_length = 41: allowed is at most max_length, 40",
        ),
        (
            '[[camera]]\nname = "a"\nsource = 0\nrecord = "remux"',
            "camera[0].record = 'remux': allowed is 'auto' or 'encode' or 'copy'",
        ),
        (
            '[[camera]]\nname = "a"\nsource = 0\nvideo_height = 32',
            "camera[0].video_height = 32: "
            "allowed is a whole number from 64 to 8,192, or 0 for what the camera gives",
        ),
        (
            '[recording]\nencoder = "nvenc"',
            "recording.encoder = 'nvenc': allowed is 'auto' or 'libx264'",
        ),
        (
            '[clock]\nserver = "ntp://pool"',
            "clock.server = 'ntp://pool': "
            "allowed is a host's name or address, such as 'pool.ntp.org', or '' for none",
        ),
        ("[clock]\nserver = 1", "clock.server = 1: allowed is text in quotes"),
        *(
            (
                f'[orders]\ntime_zone = "{zone}"',
                f"orders.time_zone = {zone!r}: allowed is a time zone such as "
                '"Europe/Berlin" or "Asia/Shanghai"',
            )
            for zone in ("Middle/Earth", "../../etc/passwd", "America", "x" * 30)
        ),
        ("x", "is not TOML: "),
    ],
)
def test_a_wrong_value_is_told_with_key_value_and_what_is_allowed(
    tmp_path: Path, text: str, told: str
) -> None:
    (line,) = faults(tmp_path, text)
    assert line == told or (told.endswith(": ") and line.startswith(told))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('[scanner]\ncarriers = ["upss"]', "'ups'"),
        ('[scanner]\nsymbologies = ["Code12"]', "'Code128'"),
        ('[bench]\nlanguage = "xx"', "'auto'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(
    tmp_path: Path, text: str, known: str
) -> None:
    (line,) = faults(tmp_path, text)
    assert known in line


def test_every_fault_has_its_line(tmp_path: Path) -> None:
    text = '[bench]\nsound = 1\n[disk]\nlow_gb = -1\n[[camera]]\nsource = "x"\nnam = "y"\n'
    lines = faults(tmp_path, text)
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "bench.sound", "camera[0].name", "camera[0].source", "camera[0].nam", "disk.low_gb",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source",
    ["0", "12", "/dev/video0", "rtsp://u:p@cam/1", "http://h:1/mjpg", "file:a b.mp4?loop=1",
     "sim:", "sim:?seed=7&tracking=1Z", 3],
)  # fmt: skip
def test_a_source_is_taken(tmp_path: Path, source: str | int) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[[camera]]\nname = "a"\nsource = {source!r}\n')
    config = load_config(path)
    assert config.camera[0].source == str(source)
    assert not config.simulated


@pytest.mark.parametrize("server", ["", "pool.ntp.org", "ntp-1", "192.168.1.1", "fe80::1"])
def test_a_time_server_is_taken(tmp_path: Path, server: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[clock]\nserver = "{server}"\n')
    assert load_config(path).clock.server == server


def test_a_video_height_of_0_keeps_the_cameras_own(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[camera]]\nname = "a"\nsource = 0\nvideo_height = 0\nrecord = "copy"\n')
    config = load_config(path)
    assert config.camera[0].video_height is None
    assert with_sources(config, ("a=1",)).camera[0].video_height is None
    assert with_sources(config, ("a=1",)).camera[0].record == "copy"
    assert load_config(tmp_path / "config.toml").recording.encoder == "auto"


@pytest.mark.parametrize("source", ["", "cam", "rstp://cam/1", "rtsp://", "file:", "-1", "0 1"])
def test_a_source_without_a_form_is_refused(tmp_path: Path, source: str) -> None:
    (line,) = faults(tmp_path, f'[[camera]]\nname = "a"\nsource = "{source}"\n')
    assert line.startswith(f"camera[0].source = '{source}': allowed is a camera's number (0)")


@pytest.mark.parametrize("password", ["s3cr@t", "s3cr t", "s3cr't", "s3cr/t"])
def test_no_message_shows_a_password(tmp_path: Path, password: str) -> None:
    source = f"rstp://eve:{password}@cam/1"
    text = f'[[camera]]\nname = "a"\nsource = "{source}"\nwidth = "x"\n'
    told = "\n".join(faults(tmp_path, text))
    assert "rstp://***@cam/1" in told
    assert "s3cr" not in told


def test_a_loaded_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().bench.name = "x"


def test_sources_of_the_command_line_replace_the_cameras(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[[camera]]\nname = "top"\nsource = 0\nwidth = 1920\nscan = true\n'
        '[[camera]]\nname = "door"\nsource = 1\n[[shot]]\nslot = "item"\ncamera = "door"\n'
    )
    config = with_sources(load_config(path), ("sim:?seed=3", "left=file:a=b.mp4"))
    assert [(c.name, c.source, c.width, c.scan) for c in config.camera] == [
        ("top", "sim:?seed=3", 1920, True),
        ("left", "file:a=b.mp4", None, False),
    ]
    assert config.shot[0].camera == ""


def test_sources_without_a_configuration_get_names() -> None:
    config = with_sources(Config(), ("side=0", "1", "rtsp://h/a?b=c"))
    assert [(camera.name, camera.source) for camera in config.camera] == [
        ("side", "0"), ("overhead", "1"), ("camera-3", "rtsp://h/a?b=c"),
    ]  # fmt: skip
    assert not config.simulated


def test_options_of_the_command_line_are_checked_alike(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--source: camera\[0\]\.source = 'nonsense': allowed"):
        with_sources(Config(), ("nonsense",))
    with pytest.raises(ConfigError, match=r"^--source: camera\[1\]\.name = 'a': allowed"):
        with_sources(Config(), ("a=0", "a=1"))
    with pytest.raises(ConfigError, match=r"^--language: bench\.language = 'klingon': allowed"):
        with_language(Config(), "klingon")
    assert with_archive(Config(), tmp_path / "a").archive.path == tmp_path / "a"


def test_a_local_couriers_rule_needs_no_change_of_code(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        """[scanner]
carriers = ["swift-van", "ups"]
[[scanner.rule]]
carrier = "swift-van"
pattern = 'SV(?P<number>[0-9]{8})'
""",
        encoding="utf-8",
    )
    found = understand("sv 1234 5678", load_config(path).scanner.waybills)
    assert isinstance(found, Waybill)
    assert (found.number, found.carrier) == ("12345678", "swift-van")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("SV[0-9", "is no pattern: unterminated character set"),
        ("([0-9]+)+", "must be plain: "),
        ("[0-9]+[0-9]+[0-9]+[0-9]+X", "can match in too many ways: give fixed lengths"),
        ("[0-9]*", "must not match an empty scan"),
    ],
)
def test_a_rule_that_cannot_be_used_is_told_before_anything_opens(
    tmp_path: Path, pattern: str, told: str
) -> None:
    text = f"[[scanner.rule]]\ncarrier = \"swift-van\"\npattern = '{pattern}'\n"
    (line,) = faults(tmp_path, text)
    assert line.startswith(f"scanner.rule[0].pattern = '{pattern}': {told}")
