"""A real RTSP camera on loopback, for tests: run by the system's python3, which has gi.

Prints its port on one line when it accepts clients. Arguments: the port (0 for any), a video file
to show ('' for a moving ball), and if nobody else is to be let in, a user and a password. Each
client sees the file from its beginning.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

gi: Any = importlib.import_module("gi")  # only the system's python3 has it
gi.require_version("GstRtspServer", "1.0")
GLib: Any = importlib.import_module("gi.repository.GLib")
Gst: Any = importlib.import_module("gi.repository.Gst")
GstRtspServer: Any = importlib.import_module("gi.repository.GstRtspServer")

PICTURE = (
    "( videotestsrc is-live=true pattern=ball background-color=0xff406080"
    " ! video/x-raw,width=640,height=360,framerate=25/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=50"
    " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)

FILM = (
    '( filesrc location="{}" ! qtdemux ! h264parse config-interval=1'
    " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


def main(arguments: list[str]) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    port, film, *login = arguments
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(FILM.format(film) if film else PICTURE)
    factory.set_shared(not film)
    if login:
        lock_up(server, factory, *login)
    server.get_mount_points().add_factory("/bench", factory)
    if server.attach(None) == 0:
        sys.exit(f"port {port} is taken")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


def lock_up(server: Any, factory: Any, user: str, password: str) -> None:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    main(sys.argv[1:])
