"""What leaves the archive by a profile: within its limits, told of, and whole or not at all."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from PIL import Image

from storage.archive import Archive
from storage.errors import (
    ArchiveNotWritable,
    ChecksumMismatch,
    ExportFailed,
    NotAllowed,
    NothingFits,
    NothingToExport,
    RedactionRefused,
)
from storage.evidence.kit.kit import Kit, assemble
from storage.evidence.kit.measured import Measured, faults
from storage.evidence.kit.profiles import Certainty, Limit, Profile, load
from storage.evidence.kit.redact import Box
from storage.evidence.kit.shortfalls import Lack
from storage.evidence.verify import verify
from storage.later import Actor, EvidenceGroup, Role
from storage.ledger import LedgerEvent, facts
from storage.records import Kind, LabelCheck, Session, Shot, Waybill
from tests.storage.arrivals import ANN
from tests.storage.clips import FPS, HEIGHT, WIDTH, film, frames, needs_ffprobe
from tests.storage.desk import NUMBER, Desk, photo
from tests.storage.kits import assert_within, told_by
from tests.storage.test_picture_fit import SECRET, shot_by_phone

PROFILES = load()
FITTED = [name for name, profile in PROFILES.items() if profile.kind.value != "complete"]
SHOTS = ("item", "packaging", "sealed_box", "label")


class Counter:
    """A desk, and a folder that it exports to."""

    def __init__(self, desk: Desk, target: Path) -> None:
        self.desk = desk
        self.target = target

    @property
    def archive(self) -> Archive:
        """Its archive."""
        return self.desk.archive

    def pack(
        self,
        *,
        kind: Kind = Kind.PACKING,
        slots: tuple[str, ...] = SHOTS,
        content: bytes = b"",
        seconds: int = 4,
        copied: bool = False,
        pass_no: int = 1,
    ) -> Session:
        """A parcel: a clip, and a photo for each slot, one second apart."""
        session, folder = self.desk.open(kind=kind, pass_no=pass_no)
        start = self.desk.tick()
        path = folder / "overhead-01.mp4"
        path.write_bytes(content or film(seconds))
        self.archive.add_clip(
            session, path, camera="overhead", part=1, codec="h264", width=WIDTH, height=HEIGHT,
            started_at=start, duration_ms=seconds * 1000, pre_roll_ms=500, frames=seconds * FPS,
            dropped=0, copied=copied,
        ).result()  # fmt: skip
        for number, slot in enumerate(slots, start=1):
            self.desk.shot(session, folder, slot, number)
        return self.desk.seal(session)

    def export(self, profile: str | Profile, **options: Any) -> Kit:
        """A kit of all that the archive has of the number."""
        found = self.archive.find(options.pop("number", NUMBER))
        chosen = PROFILES[profile] if isinstance(profile, str) else profile
        options.setdefault("actor", None)
        return assemble(self.archive, found, chosen, self.target, **options)

    @property
    def left(self) -> list[str]:
        """What lies in the target folder."""
        return sorted(path.name for path in self.target.glob("*")) if self.target.exists() else []


@pytest.fixture
def counter(desk: Desk, tmp_path: Path) -> Counter:
    """With an empty archive."""
    return Counter(desk, tmp_path / "out")


def with_limits(name: str, **values: int | bool) -> Profile:
    """A profile with other limits."""
    made = {key: Limit(key, value, "us", "2026", Certainty.OWN) for key, value in values.items()}
    profile = PROFILES[name]
    return replace(profile, limits=MappingProxyType({**profile.limits, **made}))


def lacks(kit: Kit) -> dict[Lack, list[str]]:
    """What a kit lacks: the subjects, by lack."""
    found: dict[Lack, list[str]] = {}
    for each in kit.shortfalls:
        found.setdefault(each.lack, []).append(each.subject)
    return found


# ------------------------------------------------------------------------------- every profile


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """With one parcel, for all profiles."""
    folder = tmp_path_factory.mktemp("packed")
    with Archive.open(folder / "archive") as archive:
        counter = Counter(Desk(archive), folder / "out")
        counter.pack()
        yield counter


@needs_ffprobe
@pytest.mark.parametrize("name", FITTED)
def test_what_a_profile_makes_is_within_its_limits(packed: Counter, name: str) -> None:
    kit = packed.export(name)
    assert kit.path == packed.target / f"{NUMBER}-{name}" and kit.path.name in packed.left
    assert_within(kit, PROFILES[name])


def test_a_video_longer_and_bigger_than_allowed_is_fitted(counter: Counter) -> None:
    counter.pack(content=film(12, noise=30), seconds=12)
    profile = with_limits("marketplace-video", video_ms=5_000, video_bytes=150_000)
    kit = counter.export(profile)
    assert_within(kit, profile)
    (outside,) = (each for each in kit.shortfalls if each.lack is Lack.OUTSIDE)
    assert "0:05 of 0:12" in outside.said()
    video = told_by(kit)["files"][0]
    assert video["of"]["to_ms"] - video["of"]["from_ms"] <= 5_000
    assert video["settings"]["codec"] == "libx264" and "two passes" in video["made"]
    session = counter.archive.find(NUMBER)[0]
    assert video["sources"] == [
        {
            "path": session.clips[0].path,
            "size_bytes": session.clips[0].size_bytes,
            "sha256": session.clips[0].sha256,
        }
    ]


def test_what_cannot_fit_is_said_with_the_nearest(counter: Counter) -> None:
    counter.pack(content=film(3, noise=30), seconds=3)
    kit = counter.export(with_limits("tiktok-damage", video_bytes=2_000))
    assert [each.name for each in kit.files] == sorted(each.name for each in kit.files)
    assert not any(each.name.endswith(".mp4") for each in kit.files)
    (big,) = (each for each in kit.shortfalls if each.lack is Lack.TOO_BIG)
    assert "2,000 B" in big.said() and "2,000 B" in big.said("zh")
    with pytest.raises(NothingFits, match="nearest"):
        counter.export(with_limits("marketplace-video", video_bytes=2_000))
    assert counter.left == [kit.path.name]


def test_a_report_that_cannot_fit_is_said_with_the_nearest(counter: Counter) -> None:
    counter.pack()
    with pytest.raises(NothingFits, match="pages"):
        counter.export(with_limits("bank-pdf", pdf_bytes=5_000))
    kit = counter.export(with_limits("amex", pdf_bytes=5_000))
    assert lacks(kit)[Lack.TOO_BIG] == ["report.pdf"] and len(kit.files) == 4


def test_few_files_and_few_bytes_are_kept_to(counter: Counter) -> None:
    counter.pack()
    whole = counter.export("paypal")
    total = sum(each.size_bytes for each in whole.files)
    less = with_limits("paypal", total_bytes=total - 1)
    kit = counter.export(less)
    assert_within(kit, less)
    assert lacks(kit)[Lack.NO_ROOM] == [whole.files[-1].name]
    few = with_limits("paypal", files=2)
    assert_within(counter.export(few), few)


def test_the_same_state_gives_the_same_bytes(counter: Counter) -> None:
    counter.pack(copied=True, content=film(4, text=True))
    for name in ("tiktok-damage", "ups-damage", "bank-pdf"):
        first, second = counter.export(name), counter.export(name)
        assert second.path.name == f"{first.path.name}-2"
        assert (first.files, first.digest) == (second.files, second.digest)


# --------------------------------------------------------------------------- what is shown


def test_photos_that_fit_are_the_originals_byte_for_byte(counter: Counter) -> None:
    session = counter.pack()
    kit = counter.export("stills-3")
    by_slot = {shot.slot: shot.sha256 for shot in session.shots}
    shown = {each.name: each.sha256 for each in kit.files}
    assert set(shown) == {"01-item.jpg", "02-label.jpg", "03-sealed_box.jpg"}
    for made in told_by(kit)["files"]:
        assert made["sources"][0]["sha256"] == by_slot[made["of"]["slot"]]


def test_where_photos_are_few_pictures_of_the_video_are_shown(counter: Counter) -> None:
    counter.pack(slots=("item", "label"), content=film(20), seconds=20)
    kit = counter.export("stills-6")
    assert [each.name[3:8] for each in kit.files] == ["item.", "label", *["frame"] * 4]
    moments = [each["of"]["at_ms"] for each in told_by(kit)["files"][2:]]
    assert moments == sorted(moments) and len(set(moments)) == 4


def test_without_video_and_photos_enough_it_says_how_many_there_are(counter: Counter) -> None:
    session, folder = counter.desk.open()
    counter.desk.shot(session, folder, "item")
    counter.desk.seal(session)
    kit = counter.export("stills-6")
    assert [each.name for each in kit.files] == ["01-item.jpg"]
    assert "1 of 6" in kit.shortfalls[0].said()
    with pytest.raises(NothingFits, match="recorded"):
        counter.export("marketplace-video")


def test_of_a_slot_the_last_photo_counts(counter: Counter) -> None:
    session, folder = counter.desk.open()
    counter.desk.clip(session, folder)
    for number, slot in enumerate(("label", "item", "label"), start=1):
        counter.desk.shot(session, folder, slot, number)
    sealed = counter.desk.seal(session)
    kit = counter.export("stills-3")
    shown = [source for each in kit.files for source in each.sources]
    assert sealed.shots[2].path in shown and sealed.shots[0].path not in shown


def test_the_newest_packing_is_shown_whatever_came_back(counter: Counter) -> None:
    counter.pack()
    second = counter.pack(pass_no=2)
    returned = counter.pack(kind=Kind.RETURN, slots=("damage",))
    assert counter.export("marketplace-video").sessions == (second.id,)
    kit = counter.export("ups-damage")
    assert kit.sessions == (second.id, returned.id)
    assert kit.files[0].name == "01-damage.jpg"
    assert kit.files[0].sources == (returned.shots[0].path,)
    about_returns = replace(PROFILES["stills-3"], session="return")
    assert counter.export(about_returns).sessions == (returned.id,)


def test_a_slot_is_filled_by_what_was_filed_later(counter: Counter, tmp_path: Path) -> None:
    counter.pack()
    content = shot_by_phone()
    for name, group in (
        ("Damage <1>.jpg", EvidenceGroup.MEDIA),
        ("damage.txt", EvidenceGroup.MEDIA),
        ("box certificate.jpg", EvidenceGroup.CLAIM_FORM),
    ):
        path = tmp_path / name
        path.write_bytes(content if "Damage" in name else photo(3) + name.encode())
        counter.archive.file_document(ANN, path, NUMBER, group).result()
    kit = counter.export("ups-damage")
    missing = lacks(kit)
    assert "damage" not in missing[Lack.NO_SHOT] and "box_certificate" in missing[Lack.NO_SHOT]
    assert missing[Lack.STAND_IN] == ["inner_packaging", "sides_top"]
    assert kit.files[0].name == "01-damage.jpg"
    assert SECRET not in (kit.path / "01-damage.jpg").read_bytes()


def test_a_number_that_was_corrected_later_is_said(counter: Counter) -> None:
    session = counter.pack()
    right = "1Z999AA10123456795"
    counter.archive.rebind(ANN, session.id, Waybill(right, right, "UPS"), "wrong label").result()
    kit = counter.export("marketplace-video", number=right)
    assert kit.path.name == f"{right}-marketplace-video"
    (said,) = (each.said() for each in kit.shortfalls if each.lack is Lack.OLD_NUMBER)
    assert NUMBER in said and right in said


def test_a_clip_as_the_camera_codes_it_gets_its_line(counter: Counter) -> None:
    counter.pack(copied=True, content=film(4, text=True))
    kit = counter.export("marketplace-video")
    _, luma = frames(kit.path / "01-video.mp4")[15]
    assert luma[-12:, :200].max() > 180 and luma[-12:, :200].min() < 40
    assert told_by(kit)["files"][0]["of"]["text"] == "written into the pictures"
    assert Lack.NO_CLOCK not in lacks(kit)


def test_without_a_text_track_it_says_where_the_time_is_from(counter: Counter) -> None:
    counter.pack(copied=True)
    assert Lack.NO_CLOCK in lacks(counter.export("marketplace-video"))


def test_gaps_of_the_camera_that_is_shown_are_said(counter: Counter) -> None:
    session, folder = counter.desk.open()
    counter.desk.clip(session, folder)
    counter.desk.gap(session, "overhead")
    counter.desk.gap(session, "side")
    counter.desk.seal(session)
    assert lacks(counter.export("marketplace-video"))[Lack.GAP] == ["overhead"]


def test_a_clip_that_cannot_be_shown_gives_way_to_the_next(counter: Counter) -> None:
    session, folder = counter.desk.open()
    path = folder / "best-01.mp4"
    path.write_bytes(b"no film at all")
    counter.archive.add_clip(
        session, path, camera="best", part=1, codec="h264", width=WIDTH, height=HEIGHT,
        started_at=counter.desk.now, duration_ms=9_000, pre_roll_ms=0, frames=90, dropped=0,
    ).result()  # fmt: skip
    counter.desk.clip(session, folder)
    counter.desk.seal(session)
    kit = counter.export("marketplace-video")
    assert lacks(kit)[Lack.UNREADABLE] == ["best-01.mp4"]
    assert kit.files[0].sources[0].endswith("overhead-01.mp4")


# ------------------------------------------------------------------------------ redaction


def test_a_redacted_copy_is_marked_and_shows_less(counter: Counter) -> None:
    session, folder = counter.desk.open()
    path = folder / "label-01.jpg"
    path.write_bytes(shot_by_phone())
    shot = Shot(
        "label", counter.archive.relative(path), "overhead", counter.desk.tick(), LabelCheck.MATCH,
        320, 200, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest(),
    )  # fmt: skip
    counter.archive.add_shot(session, shot).result()
    counter.desk.clip(session, folder)
    counter.desk.shot(session, folder, "item", 2)
    counter.desk.seal(session)
    box = Box("label", 0, 0, 0.25, 0.25)
    kit = counter.export("tiktok-damage", redactions=[box])
    made = {each["name"]: each for each in told_by(kit)["files"]}
    covered = [name for name in made if "redacted" in name]
    assert covered == [name for name in made if "label" in name] and len(covered) == 1
    assert made[covered[0]]["redacted"] == [
        {"target": "label", "x": 0, "y": 0, "w": 0.25, "h": 0.25}
    ]
    assert SECRET not in (kit.path / covered[0]).read_bytes()
    assert set(lacks(kit)[Lack.UNCOVERED]) == made.keys() - set(covered)
    assert counter.archive.root.joinpath(shot.path).read_bytes() == shot_by_phone()


def test_a_cameras_box_covers_video_cover_and_frames(counter: Counter) -> None:
    counter.pack(slots=("label",))
    box = Box("overhead", 280 / WIDTH, 140 / HEIGHT, 80 / WIDTH, 80 / HEIGHT)
    kit = counter.export("tiktok-damage", redactions=[box])
    assert all("-redacted." in each.name for each in kit.files)
    assert Lack.UNCOVERED not in lacks(kit)
    assert lacks(kit)[Lack.STANDS_STILL] == ["01-video-redacted.mp4"]
    for _, luma in frames(kit.path / "01-video-redacted.mp4"):
        assert sorted(luma[144:216, 284:356].ravel())[2_000] < 30


def test_a_picture_out_of_the_video_is_covered_too(counter: Counter) -> None:
    counter.pack(slots=())
    box = Box("overhead", 280 / WIDTH, 140 / HEIGHT, 80 / WIDTH, 80 / HEIGHT)
    kit = counter.export("stills-3", redactions=[box])
    assert len(kit.files) == 2
    for file in kit.files:
        with Image.open(kit.path / file.name) as image:
            inside = image.convert("L").crop((284, 144, 356, 216))
        assert sorted(inside.tobytes())[2_000] < 20


def test_nothing_over_a_limit_gets_past_the_measuring() -> None:
    profile = with_limits("shopee", file_bytes=20, total_bytes=30)
    files: dict[str, Measured] = {
        "a.mp4": {"video_ms": 60_001, "video_bytes": 30_000_001, "sound": 1},
        "b.jpg": {"picture_bytes": 10_000_001, "metadata": "exif"},
        "c.jpg": {"picture_bytes": 1},
        "d.jpg": {"picture_bytes": 1},
        "e.pdf": {"pages": 1},
    }
    assert len(faults(profile, files, [21, 1, 1, 1, 10])) == 10
    assert faults(PROFILES["shopee"], {"c.jpg": {"picture_bytes": 1, "metadata": ""}}, [1]) == []


@pytest.mark.parametrize("target", ["lable", "other", "../label", "item-99.jpg"])
def test_a_box_on_nothing_is_refused(counter: Counter, target: str) -> None:
    counter.pack()
    with pytest.raises(RedactionRefused, match="overhead"):
        counter.export("tiktok-damage", redactions=[Box(target, 0, 0, 1, 1)])
    assert counter.left == []


def test_of_a_report_it_is_said_which_pictures_show_everything(counter: Counter) -> None:
    counter.pack(slots=("item", "label"))
    kit = counter.export("bank-pdf", redactions=[Box("label", 0, 0, 0.5, 0.5)])
    assert [each.name for each in kit.files] == ["01-report-redacted.pdf"]
    assert lacks(kit)[Lack.UNCOVERED] == ["01-report-redacted.pdf (item, overhead)"]
    covered = counter.export("bank-pdf", redactions=[Box("overhead", 0, 0, 0.5, 0.5)])
    assert Lack.UNCOVERED not in lacks(covered)


def test_the_originals_are_not_redacted(counter: Counter) -> None:
    counter.pack()
    with pytest.raises(RedactionRefused, match="bank-pdf"):
        counter.export("complete", redactions=[Box("label", 0, 0, 1, 1)])


# ------------------------------------------------------------- whole, told of, or not at all


def test_a_complete_package_goes_the_same_way(counter: Counter) -> None:
    session = counter.pack()
    kit = counter.export("complete", recipient="Carrier", reason="claim 7")
    assert kit.path.suffix == ".zip" and verify(kit.path) == []
    assert kit.sessions == (session.id,)
    (disclosed,) = counter.archive.disclosures(NUMBER)
    assert (disclosed.profile, disclosed.digest) == ("complete", kit.digest)


def test_each_export_is_told(counter: Counter) -> None:
    session = counter.pack()
    kit = counter.export("shopee", recipient="Shopee", reason="dispute 12")
    (disclosed,) = counter.archive.disclosures(NUMBER)
    assert (disclosed.recipient, disclosed.reason) == ("Shopee", "dispute 12")
    assert (disclosed.profile, disclosed.package) == ("shopee", kit.path.name)
    assert (disclosed.digest, disclosed.sessions) == (kit.digest, (session.id,))
    assert [(each.name, each.sha256) for each in disclosed.files] == [
        (each.name, each.sha256) for each in kit.files
    ]
    events = [facts(entry)["event"] for _, entry in counter.archive.ledger_of(session.id)]
    assert events.count(LedgerEvent.EXPORTED) == 1


def test_export_json_says_nothing_of_who_and_when(counter: Counter) -> None:
    counter.pack()
    kit = counter.export("shopee", recipient="Shopee-Legal", reason="dispute-12")
    text = (kit.path / "export.json").read_text(encoding="utf-8")
    assert "Shopee-Legal" not in text and "dispute-12" not in text
    limits = json.loads(text)["profile"]["limits"]
    assert limits["video_ms"]["certainty"] == "official" and limits["files"]["value"] == 3


@pytest.mark.parametrize("what", ["overhead-01.mp4", "label-04.jpg"])
@pytest.mark.parametrize("how", ["flip", "grow", "gone", "link"])
def test_a_damaged_source_stops_it_without_a_trace(counter: Counter, what: str, how: str) -> None:
    session = counter.pack()
    (source,) = counter.archive.root.glob(f"media/*/*/*/{session.id}/{what}")
    content = bytearray(source.read_bytes())
    source.unlink()
    if how == "flip":
        content[len(content) // 2] ^= 1
        source.write_bytes(content)
    elif how == "grow":
        source.write_bytes(content + b"\0")
    elif how == "link":
        elsewhere = counter.archive.root / "elsewhere"
        elsewhere.write_bytes(content)
        source.symlink_to(elsewhere)
    for profile in ("tiktok-damage", "bank-pdf"):
        with pytest.raises(ChecksumMismatch):
            counter.export(profile)
    assert counter.left == [] and counter.archive.disclosures(NUMBER) == []


def test_a_document_that_is_damaged_is_left_out_by_name(counter: Counter, tmp_path: Path) -> None:
    counter.pack()
    path = tmp_path / "damage.jpg"
    path.write_bytes(photo(7))
    document = counter.archive.file_document(ANN, path, NUMBER, EvidenceGroup.MEDIA).result()
    filed = counter.archive.root / document.path
    filed.chmod(0o600)
    filed.write_bytes(photo(8))
    missing = lacks(counter.export("ups-damage"))
    assert "damage" in missing[Lack.UNREADABLE] and "damage" in missing[Lack.NO_SHOT]


@pytest.mark.parametrize("after", [0.0, 0.5, 0.96])
def test_stopped_halfway_it_leaves_nothing(counter: Counter, after: float) -> None:
    counter.pack(copied=True, content=film(6, text=True), seconds=6)
    shares: list[float] = []

    def stop(done: int, whole: int) -> None:
        shares.append(done / whole)
        if done / whole > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        counter.export("tiktok-damage", progress=stop)
    assert counter.left == [] and counter.archive.disclosures(NUMBER) == []
    assert shares == sorted(shares)


def test_killed_halfway_it_leaves_nothing_that_anybody_takes_for_a_kit(counter: Counter) -> None:
    counter.pack(copied=True, content=film(6, text=True), seconds=6)
    killed = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from storage.archive import Archive\n"
        "from storage.evidence.kit.kit import assemble\n"
        "from storage.evidence.kit.profiles import load\n"
        "def kill(done, whole):\n"
        "    if done > whole * 0.4:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "root, target, number = sys.argv[1:]\n"
        "with Archive.open(Path(root)) as archive:\n"
        "    assemble(archive, archive.find(number), load()['tiktok-damage'], Path(target),\n"
        "             actor=None, progress=kill)\n"
    )
    counter.target.mkdir()
    arguments = [str(counter.archive.root), str(counter.target), NUMBER]
    done = subprocess.run([sys.executable, "-c", killed, *arguments], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(counter.left) == 1 and counter.left[0].startswith(".")
    assert counter.archive.disclosures(NUMBER) == []
    kit = counter.export("tiktok-damage")
    assert counter.left == [kit.path.name], "and the next export clears it away"


def test_progress_goes_from_nothing_to_all(counter: Counter) -> None:
    counter.pack(copied=True, content=film(4, text=True))
    told: list[tuple[int, int]] = []
    counter.export("tiktok-damage", progress=lambda done, whole: told.append((done, whole)))
    assert told == sorted(told) and told[-1][0] == told[-1][1] and len(told) > 10


def test_a_folder_that_cannot_be_written_is_said(counter: Counter, tmp_path: Path) -> None:
    counter.pack()
    counter.target = tmp_path / "file"
    counter.target.write_bytes(b"")
    with pytest.raises(ExportFailed, match="file"):
        counter.export("stills-3")


def test_only_who_may_export_does(counter: Counter) -> None:
    counter.pack()
    with pytest.raises(NotAllowed):
        counter.export("stills-3", actor=Actor("Ann", Role.PACKER, verified=True))
    with (
        Archive.open(counter.archive.root, create=False, read_only=True) as reading,
        pytest.raises(ArchiveNotWritable),
    ):
        found = reading.find(NUMBER)
        assemble(reading, found, PROFILES["stills-3"], counter.target, actor=None)
    assert counter.left == []


def test_there_must_be_a_finished_packing(counter: Counter) -> None:
    with pytest.raises(NothingToExport):
        counter.export("stills-3")
    counter.pack(kind=Kind.RETURN)
    with pytest.raises(NothingFits, match="packing"):
        counter.export("stills-3")
    opened, _ = counter.desk.open("OPEN12345678")
    with pytest.raises(NothingToExport):
        counter.export("stills-3", number="OPEN12345678")
    counter.desk.pack("OPEN12345678", pass_no=2)
    assert counter.export("stills-3", number="OPEN12345678").left_out == (opened,)
