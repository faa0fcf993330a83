"""Two questions to the packer: `duplicate` before a session, `cancel` during one.

One is open at a time, in `State.question`, until it is answered or its time is up. The third
question, about a waybill of no listed carrier, is `unlisted.py`'s. Knows no key and no card.
"""

from __future__ import annotations

from dataclasses import replace

from station.rules import ending, opening, unlisted, waiting
from station.rules.commands import Cue, Say
from station.rules.events import Answered, Prior
from station.rules.state import Phase, Question, Wanted
from station.rules.turn import Turn
from storage.records import EndReason, utc_text


def ask_duplicate(turn: Turn, wanted: Wanted, prior: Prior) -> None:
    """Ask whether the waybill, which was packed before, is packed once more."""
    params = (
        ("number", wanted.waybill.number),
        ("when", utc_text(prior.opened_at)),
        ("who", prior.packer),
        ("where", prior.bench),
        ("pass", str(prior.pass_no)),
        ("kind", prior.kind.value),
    )
    turn.set(
        phase=Phase.DECIDING,
        wanted=replace(wanted, prior=prior),
        question=Question("duplicate", turn.at, params),
    )
    turn.do(Say("duplicate", params, Cue.WARN))


def cancel_asked(turn: Turn) -> None:
    """CANCEL: of a waybill that waits at once, of a session after a question."""
    state = turn.state
    if unlisted.is_shown(state):
        unlisted.drop(turn)
    elif state.phase is Phase.IDLE:
        turn.say("nothing_to_cancel", Cue.WARN)
    elif state.active is None:
        waiting.decline(turn)
    elif not turn.recording:
        turn.say("already_ending", Cue.WARN, number=state.active.waybill.number)
    elif state.question is not None:
        turn.say("answer_first", Cue.WARN)
    else:
        params = (("number", state.active.waybill.number),)
        turn.set(question=Question("cancel", turn.at, params))
        turn.do(Say("cancel", params, Cue.WARN))


def answered(turn: Turn, event: Answered) -> None:
    """Yes or no to the question at hand."""
    state, question = turn.state, turn.state.question
    if question is None:
        turn.log("an answer without a question")
    elif question.key == "cancel" and event.yes:
        ending.end(turn, EndReason.CANCEL, event.text)
    elif question.key == "cancel":
        turn.set(question=None)
        turn.say("not_cancelled", Cue.OK, number=turn.active.waybill.number)
    elif event.yes and state.wanted is not None and state.wanted.prior is not None:
        prior = state.wanted.prior
        opening.open_session(turn, prior.pass_no + 1 if prior.kind is state.next_kind else 1)
    else:
        waiting.decline(turn)


def time_out(turn: Turn) -> None:
    """No answer in time: CANCEL stands, a parcel packed before is not packed."""
    question = turn.state.question
    if question is None:
        return
    if turn.at.mono_ms - question.asked.mono_ms < turn.state.rules.question_timeout_ms:
        return
    if question.key == "cancel":
        ending.end(turn, EndReason.CANCEL)
    else:
        waiting.decline(turn)
