"""The schema of the home's database, one script a version: each turns a home of the version before into its own."""

from __future__ import annotations

# Each entry is one migration and is never edited after it has been released; append a new one instead.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE event (
        seq        INTEGER PRIMARY KEY,
        event_id   TEXT NOT NULL,
        client     TEXT NOT NULL,
        kind       TEXT NOT NULL,
        event_time INTEGER NOT NULL,
        known_at   INTEGER NOT NULL,
        body       BLOB  -- msgpack; NULL once the row lies in a segment
    );
    CREATE UNIQUE INDEX event_identity ON event (event_id, client);
    CREATE INDEX event_tail ON event (kind, seq) WHERE body IS NOT NULL;
    CREATE TABLE segment (
        kind     TEXT NOT NULL,
        seq_from INTEGER NOT NULL,
        seq_to   INTEGER NOT NULL,
        n_rows   INTEGER NOT NULL,
        name     TEXT NOT NULL UNIQUE,
        sha256   TEXT NOT NULL,
        PRIMARY KEY (kind, seq_from)
    ) WITHOUT ROWID;
    CREATE TABLE extension (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    CREATE TABLE quarantine (
        quarantine_id INTEGER PRIMARY KEY,
        client        TEXT NOT NULL,
        event_id      TEXT NOT NULL,
        kind          TEXT NOT NULL,
        received_at   INTEGER NOT NULL,
        reason        TEXT NOT NULL,
        body          BLOB NOT NULL
    );
    CREATE TABLE subject (
        lookup    BLOB PRIMARY KEY,  -- keyed hash of namespace and identifier; the identifier itself is never stored
        namespace TEXT NOT NULL,
        token_key BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE decision (
        n_link      INTEGER PRIMARY KEY,  -- position in the chain, from 1, without gaps
        decision_id TEXT NOT NULL UNIQUE,
        seq         INTEGER NOT NULL UNIQUE REFERENCES event (seq),
        product     TEXT NOT NULL,
        client      TEXT NOT NULL,
        event_id    TEXT NOT NULL,
        decided_at  INTEGER NOT NULL,
        model       TEXT NOT NULL,
        action      TEXT NOT NULL,
        risk_grade  TEXT NOT NULL,
        raw_score   REAL,
        score       REAL,
        body        BLOB NOT NULL,  -- canonical JSON, the bytes that replay must reproduce
        timings     BLOB NOT NULL,  -- JSON
        vector      BLOB,           -- float64 little-endian feature vector, NULL when features were not read
        link        BLOB NOT NULL   -- HMAC-SHA256 over the previous link and this row
    );
    CREATE INDEX decision_time ON decision (product, decided_at);
    CREATE TABLE idempotency (
        client     TEXT NOT NULL,
        key        TEXT NOT NULL,
        request    BLOB NOT NULL,  -- SHA-256 of route and body
        status     INTEGER NOT NULL,
        response   BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (client, key)
    ) WITHOUT ROWID;
    CREATE TABLE artifact (
        hash    TEXT PRIMARY KEY,  -- SHA-256 of content: policies, lists and reason texts that decisions cite
        kind    TEXT NOT NULL,
        content BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE table_append (
        seq_from INTEGER PRIMARY KEY,
        seq_to   INTEGER NOT NULL,
        client   TEXT NOT NULL,
        arrival  TEXT NOT NULL  -- JSON: kind -> how known_at was found, as far as the importer told
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE alert (
        decision_id TEXT PRIMARY KEY,
        product     TEXT NOT NULL,
        opened_at   INTEGER NOT NULL,
        status      TEXT NOT NULL,  -- open, escalated, confirmed_fraud, genuine
        disposed_by TEXT,
        disposed_at INTEGER,
        note        TEXT  -- sealed_id of what was written about it
    ) WITHOUT ROWID;
    CREATE INDEX alert_queue ON alert (status, opened_at, decision_id);
    -- Whoever appends to the ledger opens the alert with it: no decision can be without.
    CREATE TRIGGER alert_opened AFTER INSERT ON decision WHEN NEW.action <> 'approve' BEGIN
        INSERT INTO alert VALUES (NEW.decision_id, NEW.product, NEW.decided_at, 'open', NULL, NULL, NULL);
    END;
    INSERT INTO alert
        SELECT decision_id, product, decided_at, 'open', NULL, NULL, NULL FROM decision WHERE action <> 'approve';
    CREATE TABLE act (
        n_link  INTEGER PRIMARY KEY,  -- position in the chain of acts, from 1, without gaps
        act_id  TEXT NOT NULL UNIQUE,
        kind    TEXT NOT NULL,
        subject TEXT NOT NULL,  -- the decision it is about, or a word
        at      INTEGER NOT NULL,
        actor   TEXT NOT NULL,
        body    BLOB NOT NULL,  -- JSON; free text lies sealed elsewhere
        link    BLOB NOT NULL  -- HMAC-SHA256 over the previous link and this row
    );
    CREATE INDEX act_subject ON act (subject, n_link);
    CREATE INDEX act_kind ON act (kind, n_link);
    CREATE TABLE seal_key (
        key_id   INTEGER PRIMARY KEY,
        wrapped  BLOB NOT NULL,  -- the data key under the vault's key
        retiring INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE sealed (
        sealed_id TEXT PRIMARY KEY,
        key_id    INTEGER NOT NULL REFERENCES seal_key (key_id),
        content   BLOB NOT NULL  -- nonce, AES-256-GCM ciphertext and tag
    ) WITHOUT ROWID;
    CREATE INDEX sealed_key ON sealed (key_id);
    """,
    """
    CREATE TABLE matter_entry (
        matter_id TEXT NOT NULL,
        n         INTEGER NOT NULL,  -- place in the history of the matter, from 1, without gaps
        kind      TEXT NOT NULL,     -- case, complaint, ticket
        at        INTEGER NOT NULL,
        actor     TEXT NOT NULL,
        step      TEXT NOT NULL,
        body      TEXT NOT NULL,     -- JSON; what people wrote lies sealed elsewhere, under the ids given here
        PRIMARY KEY (matter_id, n)
    ) WITHOUT ROWID;
    CREATE INDEX matter_kind ON matter_entry (kind, at);
    CREATE INDEX complaint_event ON matter_entry (json_extract(body, '$.client'), json_extract(body, '$.event_id'))
        WHERE kind = 'complaint' AND n = 1;
    CREATE TABLE matter_decision (
        decision_id TEXT NOT NULL,
        matter_id   TEXT NOT NULL,
        PRIMARY KEY (decision_id, matter_id)
    ) WITHOUT ROWID;
    CREATE TRIGGER matter_entry_stays BEFORE UPDATE ON matter_entry BEGIN
        SELECT raise(ABORT, 'the history of a matter is only ever appended to');
    END;
    CREATE TRIGGER matter_entry_kept BEFORE DELETE ON matter_entry BEGIN
        SELECT raise(ABORT, 'the history of a matter is only ever appended to');
    END;
    """,
    """
    CREATE TABLE signed_head (
        name    TEXT PRIMARY KEY,  -- of a file of signed lines
        n_lines INTEGER NOT NULL,
        mac     TEXT NOT NULL      -- signature of line n_lines: what is cut off the file's end is missed
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE reading (
        indicator     TEXT NOT NULL,
        place         TEXT NOT NULL,
        since         INTEGER NOT NULL,
        until         INTEGER NOT NULL,
        value         REAL,
        n             INTEGER NOT NULL,
        low           REAL,
        high          REAL,
        within_chance INTEGER NOT NULL,
        kind          TEXT NOT NULL,
        note          TEXT NOT NULL,
        PRIMARY KEY (indicator, until, place)
    ) WITHOUT ROWID;
    CREATE TABLE watch_run (
        indicator   TEXT NOT NULL,
        until       INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        PRIMARY KEY (indicator, until)
    ) WITHOUT ROWID;
    CREATE TABLE breach_note (
        note_id    INTEGER PRIMARY KEY,
        breach     TEXT NOT NULL,
        "limit"    TEXT NOT NULL,
        indicator  TEXT NOT NULL,
        place      TEXT NOT NULL,
        turn       TEXT NOT NULL,
        at         INTEGER NOT NULL,
        level      TEXT NOT NULL,
        value      REAL,
        restricted INTEGER NOT NULL,
        by         TEXT NOT NULL,
        said       TEXT NOT NULL
    );
    CREATE INDEX breach_notes ON breach_note (breach);
    CREATE TABLE breach_sent (
        sink    TEXT NOT NULL,
        note_id INTEGER NOT NULL REFERENCES breach_note (note_id),
        sent_at INTEGER NOT NULL,
        PRIMARY KEY (sink, note_id)
    ) WITHOUT ROWID;
    CREATE TRIGGER reading_stays BEFORE UPDATE ON reading BEGIN SELECT raise(ABORT, 'readings are never changed'); END;
    CREATE TRIGGER note_stays BEFORE UPDATE ON breach_note BEGIN SELECT raise(ABORT, 'notes are never changed'); END;
    CREATE TRIGGER note_kept BEFORE DELETE ON breach_note BEGIN SELECT raise(ABORT, 'notes are never deleted'); END;
    """,
    """
    CREATE TABLE legal_hold (
        hold_id     INTEGER PRIMARY KEY AUTOINCREMENT,
        token       TEXT NOT NULL,
        placed_at   INTEGER NOT NULL,
        released_at INTEGER  -- NULL while it stands
    );
    CREATE INDEX legal_hold_token ON legal_hold (token);
    CREATE TABLE custody_statement (
        statement_id TEXT PRIMARY KEY,  -- SHA-256 of the file
        account      TEXT NOT NULL,
        read_at      INTEGER NOT NULL,
        read_by      TEXT NOT NULL,
        n_lines      INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE custody_line (
        account      TEXT NOT NULL,
        bank_ref     TEXT NOT NULL,     -- the bank's own number of the movement
        statement_id TEXT NOT NULL REFERENCES custody_statement (statement_id),
        row          INTEGER NOT NULL,
        booked_on    TEXT NOT NULL,     -- ISO day
        minor        INTEGER NOT NULL,  -- positive came in, negative went out
        currency     TEXT NOT NULL,
        our_ref      TEXT,              -- event_id, where the bank passes it on
        counterparty TEXT,              -- token of the account at the other end
        balance      INTEGER,           -- after the movement, minor units
        PRIMARY KEY (account, bank_ref)
    ) WITHOUT ROWID;
    CREATE INDEX custody_day ON custody_line (account, booked_on);
    """,
    """
    CREATE TABLE label_ruling (
        ruling_id INTEGER PRIMARY KEY,
        seq       INTEGER NOT NULL,  -- of an outcome
        ruling    TEXT NOT NULL,                            -- released, refused
        by        TEXT NOT NULL,
        reason    TEXT NOT NULL,
        at        INTEGER NOT NULL
    );
    CREATE TRIGGER ruling_stays BEFORE UPDATE ON label_ruling BEGIN
        SELECT raise(ABORT, 'rulings are only ever appended to');
    END;
    CREATE TRIGGER ruling_kept BEFORE DELETE ON label_ruling BEGIN
        SELECT raise(ABORT, 'rulings are only ever appended to');
    END;
    ALTER TABLE subject ADD COLUMN layer INTEGER NOT NULL DEFAULT 1;  -- how many lookup keys its hash was made with
    ALTER TABLE subject ADD COLUMN token TEXT;  -- NULL while it is derived from the hash as it is stored
    CREATE TABLE lookup_key (
        n          INTEGER PRIMARY KEY,
        wrapped    BLOB NOT NULL,  -- under the vault's key
        everywhere INTEGER NOT NULL  -- whether every hash was made with it
    );
    CREATE TABLE vault_mark (
        one  INTEGER PRIMARY KEY CHECK (one = 1),
        mark BLOB NOT NULL  -- of the vault's key since the last rotation
    );
    """,
    """
    -- Of the decision that was answered: what is kept of it in the ledger is not kept a second time.
    ALTER TABLE idempotency ADD COLUMN n_link INTEGER;
    """,
    """
    -- An event that comes again is not set aside again.
    CREATE INDEX quarantine_event ON quarantine (event_id, client);
    """,
)
