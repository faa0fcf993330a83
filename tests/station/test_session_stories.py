"""Stories of random events: whatever happens in whatever order, the rules keep their promises.

The promises are those of `tests.station.story_promises`: at most one session is open; clips
start and stop in pairs, and nothing is sealed while one rolls; no photo lands in another session;
no event is lost silently; what was opened is sealed; the bench leaves once, and only when
everything is handed over.
"""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from station.rules.commands import Exit, OpenSession, SealSession
from station.rules.events import (
    Acknowledged,
    Answered,
    BindFailed,
    Bound,
    CameraDown,
    CameraUp,
    CameraWarned,
    CancelAsked,
    CheckAsked,
    Checked,
    CheckFailed,
    ClipEnded,
    ClipStarted,
    ClockJumped,
    CodeSeen,
    Disk,
    DiskChanged,
    Event,
    FinishAsked,
    ItemScanned,
    KindChosen,
    LookedUp,
    LookUpFailed,
    Opened,
    OpenFailed,
    PackerChosen,
    Prior,
    Recovered,
    Refused,
    RepairFailed,
    Scanned,
    Sealed,
    SealFailed,
    ShotAsked,
    ShotFailed,
    ShotTaken,
    ShutdownAsked,
    Tick,
    Weighed,
)
from station.rules.state import Phase, Rules, State, initial
from station.session import step
from storage.order import Item, Order, OrderStatus
from storage.records import Clip, Gap, Kind, LabelCheck, Shot, Status
from tests.station.playbook import camera_check
from tests.station.story_promises import NOON, moment, untouched
from tests.station.story_world import RULES, World, waybill

OFTEN = ["answer"] * 10 + ["scan"] * 3 + ["photo"] * 5 + ["camera"] * 2 + ["after"] * 2
SELDOM = ["choose", "cut", "disk", "finish", "finish", "cancel", "yes", "no", "acknowledge"]
MOVES = [*OFTEN, *SELDOM, "shutdown"]
Story = list[tuple[str, int]]
STORIES = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 76)), min_size=40, max_size=200)
PROFILE = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example]
)


def play(rules: Rules, story: Story, dead: bool) -> World:
    """The world after the story, and after everybody has answered and gone home."""
    world = World(rules)
    try:
        for camera in rules.cameras if rules.allow_without_camera else ():
            world.tell(CameraUp(world.now, camera))
        for name, pick in story:
            world.move(name, pick)
        world.settle(dead=dead)
    except AssertionError:
        note(world.conversation())
        raise
    return world


@settings(PROFILE, max_examples=1_000)
@given(st.sampled_from(RULES), STORIES, st.booleans())
def test_whatever_happens_the_promises_hold(rules: Rules, story: Story, dead: bool) -> None:
    play(rules, story, dead)


def test_the_stories_reach_every_corner_of_the_rules() -> None:
    """Random stories prove nothing about what they never reach."""
    seen: Counter[str] = Counter()

    @settings(PROFILE, max_examples=400, derandomize=True, database=None)
    @given(st.sampled_from(RULES), STORIES, st.booleans())
    def tell(rules: Rules, story: Story, dead: bool) -> None:
        world = play(rules, story, dead)
        seen.update(world.seen)
        seen["steps"] += len(world.told)

    tell()
    assert seen["steps"] > 20_000
    corners = {phase.value for phase in Phase} | {
        *("StartClip", "StopClip", "TakeShot", "FileGap", "FileNote", "SealSession", "Exit"),
        *("finish", "next_scan", "timeout", "cancel", "shutdown"),
        *("duplicate", "cancel", "missing_shots", "missing_shots_forbidden", "acknowledge_first"),
        *("label_mismatch", "open_failed", "seal_failed", "camera_lost", "no_video", "no_camera"),
        *("disk_full", "scan_replaced", "next_noted", "camera_back", "clip_restarted"),
        *("unlisted", "not_recorded", "recording_doubtful", "seen_product_code"),
        *("note unlisted YES", "note unlisted time", "note check_digit wrong"),
        *("CheckCameras", "check_good", "check_poor", "check_failed", "check_not_now"),
        *("camera_warned", "camera_as_asked", "video_hole", "repair_failed", "repaired"),
        *("look_up_failed", "answer_first", "not_packed", "shot_failed", "timeout_soon"),
    }
    assert corners <= set(seen), f"never reached: {sorted(corners - set(seen))}"


# ---------------------------------------------------------------------------- nonsense

MOMENTS = st.integers(0, 400_000).map(moment)
SESSIONS = st.sampled_from(["s1", "s2", "s3"])
NUMBERS = st.sampled_from(["A", "C", "D", ""])
CAMERAS = st.sampled_from(["top", "side", "nowhere"])
PARTS = st.integers(0, 3)
TEXTS = st.sampled_from(["", "wrong item", "\x1b[2J"])
SLOTS = st.sampled_from(["item", "label", "nothing"])
PRIORS = st.builds(
    Prior,
    SESSIONS,
    st.integers(0, 3),
    st.just(NOON),
    TEXTS,
    TEXTS,
    st.sampled_from(Kind),
    st.sampled_from(Status),
)
CLIPS = st.just(Clip("top", 1, "a", "h264", 1, 1, NOON, 1, 1, 1, 0, 1, "00"))
HOLES = st.sampled_from([(), (Gap("top", NOON, None, "slow"),), (Gap("x", NOON, NOON, ""),) * 2])
CHECKS = st.lists(st.builds(camera_check, CAMERAS, st.none() | st.just(0.25), TEXTS), max_size=2)
SHOTS = st.builds(
    lambda slot, check: Shot(slot, "a.jpg", "top", NOON, check, 1, 1, 1, "00"),
    SLOTS,
    st.none() | st.sampled_from(LabelCheck),
)
ORDER = st.builds(
    Order,
    st.sampled_from(["A", "O-1"]),
    st.sampled_from([(), ("C",)]),
    st.sampled_from([(), (Item("mug", quantity=2),)]),
    status=st.sampled_from(OrderStatus),
    currency=st.just("EUR"),
    value_cents=st.none() | st.integers(0, 20_000),
    weight_g=st.none() | st.integers(0, 2_000),
)
ORDERS = st.lists(ORDER, max_size=2).map(tuple)
NONSENSE: list[st.SearchStrategy[Event]] = [
    st.builds(Tick, MOMENTS),
    st.builds(
        Scanned,
        MOMENTS,
        NUMBERS.map(waybill),
        SESSIONS,
        st.sampled_from(["wedge", "top"]),
        st.booleans(),
    ),
    st.builds(Refused, MOMENTS, TEXTS, TEXTS),
    st.builds(CodeSeen, MOMENTS, CAMERAS, TEXTS, TEXTS, NUMBERS),
    st.builds(LookedUp, MOMENTS, NUMBERS, st.none() | PRIORS, ORDERS, st.none() | ORDER),
    st.builds(Bound, MOMENTS, SESSIONS, PARTS, ORDERS),
    st.builds(BindFailed, MOMENTS, SESSIONS, TEXTS),
    st.builds(ItemScanned, MOMENTS, TEXTS, st.sampled_from(["", "MUG", "CUP"])),
    st.builds(Weighed, MOMENTS, st.integers(-5, 2_000)),
    st.builds(LookUpFailed, MOMENTS, NUMBERS, TEXTS),
    st.builds(Opened, MOMENTS, SESSIONS),
    st.builds(OpenFailed, MOMENTS, SESSIONS, TEXTS),
    st.builds(ClipStarted, MOMENTS, SESSIONS, CAMERAS, PARTS),
    st.builds(ClipEnded, MOMENTS, SESSIONS, CAMERAS, PARTS, st.none() | CLIPS, TEXTS, HOLES),
    st.builds(ShotAsked, MOMENTS, st.none() | SLOTS, st.booleans()),
    st.builds(ShotTaken, MOMENTS, SESSIONS, PARTS, SHOTS, TEXTS, TEXTS),
    st.builds(ShotFailed, MOMENTS, SESSIONS, PARTS, TEXTS),
    st.builds(FinishAsked, MOMENTS),
    st.builds(CancelAsked, MOMENTS),
    st.builds(Answered, MOMENTS, st.booleans(), TEXTS),
    st.builds(Acknowledged, MOMENTS),
    st.builds(KindChosen, MOMENTS),
    st.builds(PackerChosen, MOMENTS, TEXTS),
    st.builds(CameraUp, MOMENTS, CAMERAS),
    st.builds(CameraDown, MOMENTS, CAMERAS, TEXTS),
    st.builds(DiskChanged, MOMENTS, st.sampled_from(Disk)),
    st.builds(ClockJumped, MOMENTS, st.integers(-5_000, 5_000), st.integers(-5_000, 5_000)),
    st.builds(CameraWarned, MOMENTS, CAMERAS, TEXTS),
    st.builds(CheckAsked, MOMENTS),
    st.builds(Checked, MOMENTS, CHECKS.map(tuple)),
    st.builds(CheckFailed, MOMENTS, TEXTS),
    st.builds(RepairFailed, MOMENTS, TEXTS),
    st.builds(Recovered, MOMENTS, st.sampled_from([(), ("A",)])),
    st.builds(Sealed, MOMENTS, SESSIONS, st.sampled_from(Status), st.just(("item",))),
    st.builds(SealFailed, MOMENTS, SESSIONS, TEXTS),
    st.builds(Event, MOMENTS),
    st.builds(ShutdownAsked, MOMENTS),
]


def test_nonsense_knows_every_event() -> None:
    """An event that somebody adds must be told here too."""
    told = {kind.__name__ for kind in Event.__subclasses__()}
    known = {text.split("(")[1].split(",")[0] for text in map(repr, NONSENSE)}
    assert told <= known, told - known


@settings(PROFILE, max_examples=200)
@given(st.sampled_from(RULES), st.lists(st.one_of(NONSENSE), min_size=20, max_size=120))
def test_no_event_raises_or_is_lost_even_where_it_makes_no_sense(
    rules: Rules, events: list[Event]
) -> None:
    state: State = initial(rules)
    at_hand, exits = "", 0
    for event in events:
        before = state
        state, commands = step(before, event)
        for command in commands:
            if isinstance(command, OpenSession):
                assert at_hand == ""
                at_hand = command.session
            elif isinstance(command, SealSession):
                assert command.session == at_hand
                at_hand = ""
            exits += isinstance(command, Exit)
        if state.active is None:
            at_hand = ""
        assert at_hand == (state.active.session if state.active else "")
        assert exits <= 1
        if not isinstance(event, Tick):
            assert commands or untouched(state) != untouched(before), f"lost silently: {event}"
