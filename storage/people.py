"""Who may do what, and how they prove who they are.

Part of the archive: rights are asked for on the writer's thread by whatever needs them, so that no
front door can forget to. An archive that knows nobody lets the computer's user do everything.
"""

from __future__ import annotations

from storage.later import Right, Role

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.PACKER: frozenset({Right.FIND, Right.CHECK}),
    Role.CLAIMS: frozenset(
        {Right.FIND, Right.LOOK, Right.EXPORT, Right.FILE, Right.HOLD, Right.CHECK}
    ),
    Role.SUPERVISOR: frozenset(Right),
}
