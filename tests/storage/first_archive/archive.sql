PRAGMA application_id = 1347900465;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'packwitness','m001_first','2026-11-22 17:09:13.426239+00:00');
CREATE TABLE clips (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    camera TEXT NOT NULL,
    part INTEGER NOT NULL,
    path TEXT NOT NULL,
    codec TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    pre_roll_ms INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "clips" VALUES('01KAGT7SG0H8QJ6T3M5V2R9XWA',1,'overhead',1,'media/2026/11/20/01KAGT7SG0H8QJ6T3M5V2R9XWA/overhead-01.mp4','h264',1920,1080,'2026-11-20T11:59:57.000Z',9000,3000,270,1,8,'85641c51f951f0acc8099aeee783d08f88a9505214dbcd3f133904745ded4671');
INSERT INTO "clips" VALUES('01KAGTFG00A7C4E2Y8Z6N1K3PB',1,'overhead',1,'media/2026/11/20/01KAGTFG00A7C4E2Y8Z6N1K3PB/overhead-01.mp4','h264',1920,1080,'2026-11-20T12:00:57.000Z',9000,3000,270,1,8,'4df554d3ec3c322cfa4853866560c4cf107d1a25f72a90ef098000c962ada82a');
INSERT INTO "clips" VALUES('01KAGTQ6G0D5F7G9H2J4M6N8QC',1,'overhead',1,'media/2026/11/20/01KAGTQ6G0D5F7G9H2J4M6N8QC/overhead-01.mp4','h264',1920,1080,'2026-11-20T12:01:57.000Z',9000,3000,270,1,8,'c1d42498569c23b2d22c2ac9a90ee7e4a9d191e2e3bf6f93dcd9d2ebeaa852ac');
CREATE TABLE gaps (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    camera TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    cause TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "gaps" VALUES('01KAGT7SG0H8QJ6T3M5V2R9XWA',1,'side','2026-11-20T12:00:00.000Z','2026-11-20T12:00:02.000Z','no frame for 2.0 s');
INSERT INTO "gaps" VALUES('01KAGTFG00A7C4E2Y8Z6N1K3PB',1,'side','2026-11-20T12:01:00.000Z','2026-11-20T12:01:02.000Z','no frame for 2.0 s');
INSERT INTO "gaps" VALUES('01KAGTQ6G0D5F7G9H2J4M6N8QC',1,'side','2026-11-20T12:02:00.000Z','2026-11-20T12:02:02.000Z','no frame for 2.0 s');
CREATE TABLE ledger (
    seq INTEGER PRIMARY KEY NOT NULL,
    session_id TEXT,
    body TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;
INSERT INTO "ledger" VALUES(1,NULL,'{"seq":1,"at":"2026-11-22T17:09:13.425Z","event":"created","session":null,"archive":"01M823QF2HDEPVEPNS1TJVB5PA"}','a848f12404cf098ceb43749e79e25a82098933a580e8d4dc856f6be40188b659');
INSERT INTO "ledger" VALUES(2,'01KAGT7SG0H8QJ6T3M5V2R9XWA','{"seq":2,"at":"2026-11-20T12:00:00.000Z","event":"opened","session":"01KAGT7SG0H8QJ6T3M5V2R9XWA","tracking_number":"1Z999AA10123456784","kind":"packing","pass_no":1,"bench":"bench 1","packer":"Ann"}','4df4d7151b3ac11400a707a25cd3d9e3157bd9e493224f92d7023fbf6cc11f67');
INSERT INTO "ledger" VALUES(3,'01KAGT7SG0H8QJ6T3M5V2R9XWA','{"seq":3,"at":"2026-11-20T12:00:20.000Z","event":"sealed","session":"01KAGT7SG0H8QJ6T3M5V2R9XWA","tracking_number":"1Z999AA10123456784","manifest_sha256":"f9642ad67912d2cb6b1fa35daafc7ccd6ffb0be0ad7b64157041b39a19f5f22a"}','94635ae1bffd4a1f2ba01568a364791ee2a44683db84604ce0c0454bc7067dba');
INSERT INTO "ledger" VALUES(4,'01KAGTFG00A7C4E2Y8Z6N1K3PB','{"seq":4,"at":"2026-11-20T12:01:00.000Z","event":"opened","session":"01KAGTFG00A7C4E2Y8Z6N1K3PB","tracking_number":"1Z999AA10123456784","kind":"packing","pass_no":2,"bench":"bench 1","packer":"Ann"}','1d84b06eafcb929fbe007e1cd09a1f68a88249b7cdb0c99a1d66e10a2518559d');
INSERT INTO "ledger" VALUES(5,'01KAGTFG00A7C4E2Y8Z6N1K3PB','{"seq":5,"at":"2026-11-20T12:01:20.000Z","event":"cancelled","session":"01KAGTFG00A7C4E2Y8Z6N1K3PB","tracking_number":"1Z999AA10123456784","manifest_sha256":"c13a4c9af5469fc2984a30815f67eb8a777085aa5e826f523faf5bfc176f8790"}','39b413ed1855a8e57b698a691e819ec1c3f772cadcb4b4a43912f9cc993c5515');
INSERT INTO "ledger" VALUES(6,'01KAGTQ6G0D5F7G9H2J4M6N8QC','{"seq":6,"at":"2026-11-20T12:02:00.000Z","event":"opened","session":"01KAGTQ6G0D5F7G9H2J4M6N8QC","tracking_number":"1Z999AA10123456784","kind":"packing","pass_no":2,"bench":"bench 1","packer":"Ann"}','2f32460fe1625de9d373fd62a17a00fd97023b9083dd2b2d83f9c6e2b5c0e354');
INSERT INTO "ledger" VALUES(7,'01KAGT7SG0H8QJ6T3M5V2R9XWA','{"seq":7,"at":"2026-11-22T17:09:13.447Z","event":"exported","session":"01KAGT7SG0H8QJ6T3M5V2R9XWA","package":"evidence-1Z999AA10123456784-20261122T170913Z.zip","digest":"afb8fcd8ca12a6155db6f4b01f2cd8e3a69f41df8c613e78dc1810c4bd04208f"}','0e6183fa1cfa9fbda2207841d61cca2af4ba11c7187a9fc3086625590b05fd22');
INSERT INTO "ledger" VALUES(8,'01KAGTFG00A7C4E2Y8Z6N1K3PB','{"seq":8,"at":"2026-11-22T17:09:13.447Z","event":"exported","session":"01KAGTFG00A7C4E2Y8Z6N1K3PB","package":"evidence-1Z999AA10123456784-20261122T170913Z.zip","digest":"afb8fcd8ca12a6155db6f4b01f2cd8e3a69f41df8c613e78dc1810c4bd04208f"}','1d4a5a0f90065f216c365e423de23c8f21c03038f0c4e6bc5286634828b2bc77');
CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('archive_id','01M823QF2HDEPVEPNS1TJVB5PA');
INSERT INTO "meta" VALUES('created_at','2026-11-22T17:09:13.425Z');
CREATE TABLE notes (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    what TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "notes" VALUES('01KAGT7SG0H8QJ6T3M5V2R9XWA',1,'2026-11-20T12:00:00.000Z','clock','clock jumped');
INSERT INTO "notes" VALUES('01KAGTFG00A7C4E2Y8Z6N1K3PB',1,'2026-11-20T12:01:00.000Z','pass_corrected','asked for as pass 1, which was taken');
INSERT INTO "notes" VALUES('01KAGTFG00A7C4E2Y8Z6N1K3PB',2,'2026-11-20T12:01:00.000Z','clock','clock jumped');
INSERT INTO "notes" VALUES('01KAGTQ6G0D5F7G9H2J4M6N8QC',1,'2026-11-20T12:02:00.000Z','clock','clock jumped');
CREATE TABLE order_waybills (
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    tracking_number TEXT NOT NULL,
    PRIMARY KEY (order_id, tracking_number)
) STRICT, WITHOUT ROWID;
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY NOT NULL,
    order_key TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 26),
    tracking_number TEXT NOT NULL CHECK (tracking_number <> ''),
    number_reversed TEXT NOT NULL,
    raw_scan TEXT NOT NULL,
    carrier TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('packing', 'return')),
    pass_no INTEGER NOT NULL CHECK (pass_no >= 1),
    bench TEXT NOT NULL,
    packer TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    folder TEXT NOT NULL,
    required TEXT NOT NULL CHECK (json_valid(required)),
    status TEXT NOT NULL CHECK (status IN ('open', 'sealed', 'interrupted', 'cancelled')),
    sealed_at TEXT,
    end_reason TEXT,
    reason TEXT NOT NULL,
    manifest_sha256 TEXT,
    CHECK ((status = 'open') = (sealed_at IS NULL)),
    CHECK ((status = 'open') = (manifest_sha256 IS NULL)),
    CHECK ((status = 'open') = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO "sessions" VALUES('01KAGT7SG0H8QJ6T3M5V2R9XWA','1Z999AA10123456784','48765432101AA999Z1',']C11Z999AA10123456784','UPS','packing',1,'bench 1','Ann','2026-11-20T12:00:00.000Z','media/2026/11/20/01KAGT7SG0H8QJ6T3M5V2R9XWA','["item", "label"]','sealed','2026-11-20T12:00:20.000Z','finish','','f9642ad67912d2cb6b1fa35daafc7ccd6ffb0be0ad7b64157041b39a19f5f22a');
INSERT INTO "sessions" VALUES('01KAGTFG00A7C4E2Y8Z6N1K3PB','1Z999AA10123456784','48765432101AA999Z1',']C11Z999AA10123456784','UPS','packing',2,'bench 1','Ann','2026-11-20T12:01:00.000Z','media/2026/11/20/01KAGTFG00A7C4E2Y8Z6N1K3PB','["item", "label"]','cancelled','2026-11-20T12:01:20.000Z','cancel','wrong box','c13a4c9af5469fc2984a30815f67eb8a777085aa5e826f523faf5bfc176f8790');
INSERT INTO "sessions" VALUES('01KAGTQ6G0D5F7G9H2J4M6N8QC','1Z999AA10123456784','48765432101AA999Z1',']C11Z999AA10123456784','UPS','packing',2,'bench 1','Ann','2026-11-20T12:02:00.000Z','media/2026/11/20/01KAGTQ6G0D5F7G9H2J4M6N8QC','["item", "label"]','open',NULL,NULL,'',NULL);
CREATE TABLE shots (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq INTEGER NOT NULL,
    slot TEXT NOT NULL,
    path TEXT NOT NULL,
    camera TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    label_check TEXT CHECK (label_check IN ('match', 'mismatch', 'unreadable')),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "shots" VALUES('01KAGT7SG0H8QJ6T3M5V2R9XWA',1,'label','media/2026/11/20/01KAGT7SG0H8QJ6T3M5V2R9XWA/label-01.jpg','overhead','2026-11-20T12:00:00.000Z','match',1920,1080,8,'524894aed057408aac117de38870819adb8f88dc9b60f4ac42abf681adb3760b');
INSERT INTO "shots" VALUES('01KAGTFG00A7C4E2Y8Z6N1K3PB',1,'label','media/2026/11/20/01KAGTFG00A7C4E2Y8Z6N1K3PB/label-01.jpg','overhead','2026-11-20T12:01:00.000Z','match',1920,1080,8,'b5d503eff93435a169528fc7fe7a1d232dc38a9b4b778a84e8fc756527091509');
INSERT INTO "shots" VALUES('01KAGTQ6G0D5F7G9H2J4M6N8QC',1,'label','media/2026/11/20/01KAGTQ6G0D5F7G9H2J4M6N8QC/label-01.jpg','overhead','2026-11-20T12:02:00.000Z','match',1920,1080,8,'270604b2f7ed13d7e26f178d1598bb8a0f53a8431f200b0c3b28cd7ec9d795c2');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX sessions_by_number ON sessions (tracking_number, opened_at);
CREATE INDEX sessions_by_suffix ON sessions (number_reversed);
CREATE INDEX sessions_by_time ON sessions (opened_at, id);
CREATE INDEX sessions_open ON sessions (id) WHERE status = 'open';
CREATE UNIQUE INDEX sessions_pass ON sessions (tracking_number, kind, pass_no)
    WHERE status <> 'cancelled';
CREATE INDEX ledger_by_session ON ledger (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX orders_by_key ON orders (order_key);
CREATE INDEX order_waybills_by_number ON order_waybills (tracking_number);
CREATE TRIGGER sessions_insert BEFORE INSERT ON sessions
WHEN NEW.status <> 'open'
    OR EXISTS (SELECT 1 FROM sessions WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM sessions WHERE tracking_number = NEW.tracking_number
        AND kind = NEW.kind AND pass_no = NEW.pass_no AND status <> 'cancelled')
BEGIN SELECT RAISE(ABORT, 'a session begins open, with an id and a pass of its own'); END;
CREATE TRIGGER sessions_update BEFORE UPDATE ON sessions
WHEN OLD.status <> 'open' OR NEW.id <> OLD.id
    OR EXISTS (SELECT 1 FROM sessions WHERE tracking_number = NEW.tracking_number
        AND kind = NEW.kind AND pass_no = NEW.pass_no AND status <> 'cancelled' AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER sessions_delete BEFORE DELETE ON sessions
BEGIN SELECT RAISE(ABORT, 'a session is never deleted'); END;
CREATE TRIGGER ledger_insert BEFORE INSERT ON ledger
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the ledger only grows at its end'); END;
CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger never changes'); END;
CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger never shrinks'); END;
CREATE TRIGGER clips_insert BEFORE INSERT ON clips
WHEN (SELECT status FROM sessions WHERE id = NEW.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'nothing is added to a session that is not open'); END;
CREATE TRIGGER clips_update BEFORE UPDATE ON clips
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
    OR NEW.session_id <> OLD.session_id
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER clips_delete BEFORE DELETE ON clips
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER shots_insert BEFORE INSERT ON shots
WHEN (SELECT status FROM sessions WHERE id = NEW.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'nothing is added to a session that is not open'); END;
CREATE TRIGGER shots_update BEFORE UPDATE ON shots
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
    OR NEW.session_id <> OLD.session_id
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER shots_delete BEFORE DELETE ON shots
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER gaps_insert BEFORE INSERT ON gaps
WHEN (SELECT status FROM sessions WHERE id = NEW.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'nothing is added to a session that is not open'); END;
CREATE TRIGGER gaps_update BEFORE UPDATE ON gaps
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
    OR NEW.session_id <> OLD.session_id
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER gaps_delete BEFORE DELETE ON gaps
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER notes_insert BEFORE INSERT ON notes
WHEN (SELECT status FROM sessions WHERE id = NEW.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'nothing is added to a session that is not open'); END;
CREATE TRIGGER notes_update BEFORE UPDATE ON notes
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
    OR NEW.session_id <> OLD.session_id
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
CREATE TRIGGER notes_delete BEFORE DELETE ON notes
WHEN (SELECT status FROM sessions WHERE id = OLD.session_id) IS NOT 'open'
BEGIN SELECT RAISE(ABORT, 'a session that is not open never changes'); END;
COMMIT;
