"""A kill at any point of filing documents loses none that was acknowledged, and leaves no stray."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from storage import documents, files, schema
from storage.archive import Archive
from tests.storage.desk import NUMBER

KILLS = 12
CODE = f"""
import os, sys
from pathlib import Path
from storage.archive import Archive
from storage.later import EvidenceGroup
from tests.storage.arrivals import ANN
root, source = Path(sys.argv[1]), Path(sys.argv[2])
with Archive.open(root) as archive:
    print("ready", flush=True)
    while True:
        source.write_bytes(os.urandom(3_000_000))
        filed = archive.file_document(ANN, source, {NUMBER!r}, EvidenceGroup.MEDIA).result()
        print(filed.id, filed.sha256, flush=True)
"""


def test_no_kill_loses_a_document_that_was_acknowledged(root: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    acknowledged: dict[str, str] = {}
    Archive.open(root).close()
    for number in range(KILLS):
        program = subprocess.Popen(
            [sys.executable, "-c", CODE, root, tmp_path / f"source{number}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.02, 0.4))
        program.kill()
        lines = [line.split() for line in program.stdout if line.endswith("\n")]
        program.wait()
        acknowledged |= {line[0]: line[1] for line in lines}
        with Archive.open(root) as archive:
            db = schema.connect(root / schema.DATABASE)
            documents.recover(db, root, archive._clock(), archive.signer)
            db.close()
            found = {each.id: each for each, _, _ in archive.documents_of(NUMBER)}
        assert acknowledged.items() <= {id_: each.sha256 for id_, each in found.items()}.items()
        for each in found.values():
            written = files.measure(root / each.path)
            assert (written.size_bytes, written.sha256) == (each.size_bytes, each.sha256)
        folders = {path.name for path in root.glob("documents/*/*/*/*")}
        assert folders == set(found)
    assert len(acknowledged) > KILLS
