"""A site's choices: TOML into frozen models, read once by the command line and passed down.

Stands before everything else: a wrong value is answered with its key, the value and what is
allowed, before any camera or file is opened. Knows no camera, no archive and no screen; the text
of a camera's source is understood here, but nothing is opened.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from platformdirs import user_data_path
from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from capture.source import SourceError, parse_source
from station.config_archive import (
    CheckConfig,
    InboxConfig,
    LedgerConfig,
    RetentionConfig,
    SearchConfig,
)
from station.config_evidence import EvidenceConfig
from station.config_faults import ConfigError, Fault, describe_all
from station.config_scanner import ScannerConfig
from station.config_trade import (
    ClaimsConfig,
    CoverageConfig,
    OrdersConfig,
    PolicyConfig,
    ScaleConfig,
)
from station.section import Name, Section, crossed, one_of

CONFIG_NAME: Final = "config.toml"
LOCALES: Final = Path(__file__).with_name("ui") / "locales"
_HOST: Final = re.compile(r"[0-9A-Za-z.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_NAMED_SOURCE: Final = re.compile(r"(?P<name>[a-z0-9-]+)=(?P<source>.*)", re.DOTALL)

SlotName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,40}$")]
FullLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,40}$")]
# TOML has no null: 0 stands for "whatever the camera gives".
SizePx = Annotated[
    Annotated[int, Field(ge=64, le=8192)] | None,
    BeforeValidator(lambda value: None if value == 0 and value is not False else value),
]
Fps = Annotated[
    Annotated[float, Field(ge=1, le=240)] | None,
    BeforeValidator(lambda value: None if value == 0 and value is not False else value),
]


def source_fault(text: str) -> str:
    """What is allowed where `text` has not the form of a camera's source, else ''."""
    if re.fullmatch(r"\d{1,3}|/dev/\S+|sim:(\?\S*)?|file:.+", text):
        return ""
    if re.fullmatch(r"(rtsps?|https?)://[^\s/]+\S*", text):
        return ""
    return (
        "a camera's number (0), its path (/dev/video0), rtsp://... or http://..., "
        "file:PATH, or sim:"
    )


class BenchConfig(Section):
    """The packing station itself."""

    name: FullLine = "bench-1"
    packer: Line = ""
    language: str = "auto"
    sound: bool = True

    @field_validator("language")
    @classmethod
    def _has_messages(cls, value: str) -> str:
        known = ("auto", *sorted(path.stem for path in LOCALES.glob("*.toml")))
        return one_of(value, known)


class ArchiveConfig(Section):
    """Where evidence is kept. `path` is absolute once the file is loaded."""

    path: Path = Field(default_factory=lambda: default_archive(), strict=False)

    @field_validator("path", mode="before")
    @classmethod
    def _default(cls, value: object) -> object:
        return default_archive() if value == "" else value


class CameraConfig(Section):
    """One camera. Width, height and fps are asked for; None takes what the camera gives.

    Its video is scaled down to `video_height`; None keeps the camera's own size. Photos always do.
    """

    name: Name
    source: str
    width: SizePx = None
    height: SizePx = None
    fps: Fps = None
    scan: bool = False
    record: Literal["auto", "encode", "copy"] = "auto"
    video_height: SizePx = 1080

    @field_validator("source", mode="before")
    @classmethod
    def _by_number(cls, value: object) -> object:
        return str(value) if type(value) is int else value

    @field_validator("source")
    @classmethod
    def _has_a_form(cls, value: str) -> str:
        if why := source_fault(value):
            raise PydanticCustomError("allowed", "{why}", {"why": why})
        try:
            parse_source(value)
        except SourceError as error:
            raise PydanticCustomError("wrong", "{why}", {"why": error.why}) from error
        return value


class RecordingConfig(Section):
    """Video."""

    pre_roll_s: Annotated[float, Field(ge=0, le=60)] = 10.0
    encoder: Literal["auto", "libx264"] = "auto"


class ShotConfig(Section):
    """One standard photo. `camera` '' is the first camera."""

    slot: SlotName
    camera: str = ""
    required: bool = True


class SessionConfig(Section):
    """The rules of a packing session."""

    idle_timeout_s: Annotated[float, Field(ge=5, le=86_400)] = 300.0
    max_s: Annotated[float, Field(ge=10, le=86_400)] = 1_800.0
    warn_before_s: Annotated[float, Field(ge=0, le=3_600)] = 30.0
    question_timeout_s: Annotated[float, Field(ge=2, le=3_600)] = 20.0
    rescan: Literal["beep", "finish"] = "beep"
    allow_incomplete: bool = True
    allow_without_camera: bool = True
    repeat_scan_s: Annotated[float, Field(ge=0, le=60)] = 2.0

    @model_validator(mode="after")
    def _warns_in_time(self) -> Self:
        shortest = min(self.idle_timeout_s, self.max_s)
        if self.warn_before_s >= shortest:
            raise crossed("warn_before_s", self.warn_before_s, f"less than {shortest:g}")
        return self


class DiskConfig(Section):
    """When the archive's disk is low (a banner) and full (no new sessions). GB are 10^9 bytes."""

    low_gb: Annotated[float, Field(ge=0, le=100_000)] = 20.0
    full_gb: Annotated[float, Field(ge=0, le=100_000)] = 2.0

    @model_validator(mode="after")
    def _low_before_full(self) -> Self:
        if self.full_gb > self.low_gb:
            raise crossed("full_gb", self.full_gb, f"at most low_gb, {self.low_gb:g}")
        return self


class ClockConfig(Section):
    """`server` is the NTP server that a check compares the clock with; '' compares with none."""

    server: str = ""

    @field_validator("server")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        if value and not _HOST.fullmatch(value):
            why = "a host's name or address, such as 'pool.ntp.org', or '' for none"
            raise PydanticCustomError("allowed", "{why}", {"why": why})
        return value


SIMULATED_CAMERAS: Final = (
    CameraConfig(
        name="overhead", source="sim:?seed=7&view=overhead", width=1280, height=720, fps=24.0
    ),
    CameraConfig(name="side", source="sim:?seed=7&view=side", width=960, height=540, fps=12.0),
)
"""The built-in bench of a site that has named no camera; sizes that two old cores can record."""


class Config(Section):
    """All choices of one bench."""

    bench: BenchConfig = BenchConfig()
    archive: ArchiveConfig = Field(default_factory=ArchiveConfig)
    camera: tuple[CameraConfig, ...] = Field(default=SIMULATED_CAMERAS, strict=False, min_length=1)
    recording: RecordingConfig = RecordingConfig()
    shot: tuple[ShotConfig, ...] = Field(
        default=tuple(
            ShotConfig(slot=slot) for slot in ("item", "packaging", "sealed_box", "label")
        ),
        strict=False,
    )
    session: SessionConfig = SessionConfig()
    disk: DiskConfig = DiskConfig()
    clock: ClockConfig = ClockConfig()
    scanner: ScannerConfig = ScannerConfig()
    ledger: LedgerConfig = LedgerConfig()
    check: CheckConfig = CheckConfig()
    search: SearchConfig = SearchConfig()
    inbox: InboxConfig = InboxConfig()
    retention: RetentionConfig = RetentionConfig()
    evidence: EvidenceConfig = EvidenceConfig()
    orders: OrdersConfig = OrdersConfig()
    policy: PolicyConfig = PolicyConfig()
    scale: ScaleConfig = ScaleConfig()
    claims: ClaimsConfig = ClaimsConfig()
    coverage: CoverageConfig = CoverageConfig()

    _path: Path | None = PrivateAttr(default=None)

    @property
    def path(self) -> Path | None:
        """The file that this was read from, or None for the built-in defaults."""
        return self._path

    @property
    def simulated(self) -> bool:
        """True on the built-in bench: no camera was named."""
        return self.camera == SIMULATED_CAMERAS

    @property
    def profiles_file(self) -> Path | None:
        """The file of the site's own export profiles, or None."""
        return self._beside(self.evidence.profiles)

    @property
    def deadlines_file(self) -> Path | None:
        """The file of the site's own deadlines of claims, or None."""
        return self._beside(self.claims.rules)

    def _beside(self, named: str) -> Path | None:
        """A file that this configuration names, relative to itself; None for ''."""
        folder = self._path.parent if self._path is not None else Path()
        return folder / Path(named).expanduser() if named else None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [camera.name for camera in self.camera]
        slots = [shot.slot for shot in self.shot]
        for table, key, values in (("camera", "name", names), ("shot", "slot", slots)):
            for place, value in enumerate(values):
                if value in values[:place]:
                    raise crossed(f"{table}[{place}].{key}", value, "a name used only once")
        for place, shot in enumerate(self.shot):
            if shot.camera and shot.camera not in names:
                known = " or ".join(repr(name) for name in names)
                raise crossed(
                    f"shot[{place}].camera", shot.camera, f"{known}, or '' for the first camera"
                )
        return self


def load_config(path: Path | None = None) -> Config:
    """The configuration from `path`, else from `./config.toml` if there is one, else the defaults.

    Raises ConfigError, with one line for each fault.
    """
    if path is None:
        path = Path(CONFIG_NAME)
        if not path.exists():
            return Config()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), (Fault(why=f"cannot be read: {error.strerror}"),)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), (Fault(why="is not UTF-8 text"),)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), (Fault(why=f"is not TOML: {error}"),)) from error
    config = validated(data, str(path))
    place = (path.parent / config.archive.path.expanduser()).absolute()
    config = with_archive(config, place)
    config._path = path
    return config


def validated(data: dict[str, Any], origin: str) -> Config:
    """The configuration that `data` spells, named `origin` in faults. Raises ConfigError."""
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        faults = describe_all(Config, error.errors(include_url=False))
        raise ConfigError(origin, faults) from error


def with_archive(config: Config, path: Path) -> Config:
    """`config` with its archive at `path`."""
    return config.model_copy(update={"archive": ArchiveConfig(path=path.absolute())})


def with_language(config: Config, language: str) -> Config:
    """`config` speaking `language`. Raises ConfigError."""
    data = {"bench": {**config.bench.model_dump(), "language": language}}
    bench = validated(data, "--language").bench
    return config.model_copy(update={"bench": bench})


def with_sources(config: Config, sources: tuple[str, ...]) -> Config:
    """`config` with exactly the cameras of `sources`, each `SOURCE` or `NAME=SOURCE`.

    A name that is configured keeps its size, fps and scanning; shots of a camera that is gone are
    taken by the first one. Raises ConfigError.
    """
    known = {} if config.simulated else {camera.name: camera for camera in config.camera}
    pairs = [_NAMED_SOURCE.fullmatch(text) for text in sources]
    taken = {pair["name"] for pair in pairs if pair}
    free = [name for name in (*known, "overhead", "side") if name not in taken]
    cameras: list[dict[str, Any]] = []
    for place, (text, pair) in enumerate(zip(sources, pairs, strict=True), start=1):
        name = pair["name"] if pair else free.pop(0) if free else f"camera-{place}"
        chosen = known[name].model_dump() if name in known else {}
        cameras.append({**chosen, "name": name, "source": pair["source"] if pair else text})
    checked = validated({"camera": cameras}, "--source").camera
    names = {camera.name for camera in checked}
    shots = tuple(
        shot if shot.camera in names else shot.model_copy(update={"camera": ""})
        for shot in config.shot
    )
    return config.model_copy(update={"camera": checked, "shot": shots})


def default_archive() -> Path:
    """The archive in the user's data folder."""
    return user_data_path("packwitness", appauthor=False) / "archive"
