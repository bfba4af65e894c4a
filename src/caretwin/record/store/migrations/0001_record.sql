-- The record: append-only and bitemporal. $whole, $real, $bytes and $clustered are what a database calls them.
-- Times are microseconds UTC; "effective" is when a thing was true, "received" when it could be known.

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- One row: the last sequence number, and how many subjects were erased or merged (so that other processes drop what they
-- remember).
CREATE TABLE counter (one $whole PRIMARY KEY CHECK (one = 1), sequence $whole NOT NULL, erasures $whole NOT NULL);
INSERT INTO counter VALUES (1, 0, 0);

CREATE TABLE subject (id $whole PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, received $whole NOT NULL);

-- Of several rows of one identifier the last holds.
CREATE TABLE identifier (
    system TEXT NOT NULL, value TEXT NOT NULL, sequence $whole NOT NULL, subject $whole NOT NULL, received $whole NOT NULL,
    PRIMARY KEY (system, value, sequence)
) $clustered;
CREATE INDEX identifier_subject ON identifier (subject);

CREATE TABLE merged (
    sequence $whole PRIMARY KEY, subject $whole NOT NULL, into_subject $whole NOT NULL, received $whole NOT NULL,
    source TEXT NOT NULL
);

CREATE TABLE series (
    id $whole PRIMARY KEY, subject $whole NOT NULL, code TEXT NOT NULL, unit TEXT NOT NULL, source TEXT NOT NULL,
    UNIQUE (subject, code, unit, source)
);

CREATE TABLE observation (
    series $whole NOT NULL, effective $whole NOT NULL, sequence $whole NOT NULL, received $whole NOT NULL, value $real,
    quality $small NOT NULL, status $small NOT NULL, intake $whole NOT NULL, note TEXT,
    PRIMARY KEY (series, effective, sequence)
) $clustered;
CREATE UNIQUE INDEX observation_sequence ON observation (sequence);

CREATE TABLE event (
    sequence $whole PRIMARY KEY, subject $whole NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, effective $whole NOT NULL,
    stop $whole, received $whole NOT NULL, status $small NOT NULL, intake $whole NOT NULL, body TEXT NOT NULL
);
CREATE INDEX event_subject ON event (subject, kind, effective);

CREATE TABLE derived (
    sequence $whole PRIMARY KEY, subject $whole NOT NULL, kind TEXT NOT NULL, at $whole NOT NULL, received $whole NOT NULL,
    about $whole, intake $whole NOT NULL, body TEXT NOT NULL, provenance TEXT NOT NULL
);
CREATE INDEX derived_subject ON derived (subject, kind, at);
CREATE INDEX derived_about ON derived (about);

-- Every version of what one source calls by one name. origin: digest of that name; content: digest of what was said.
-- place: the series of an observation, minus the subject of an event.
CREATE TABLE version (
    origin $bytes NOT NULL, sequence $whole NOT NULL, place $whole NOT NULL, effective $whole NOT NULL, version $whole NOT NULL,
    status $small NOT NULL, content $bytes NOT NULL,
    PRIMARY KEY (origin, sequence)
) $clustered;

-- From ``received`` on, ``sequence`` no longer holds, because ``by_sequence`` does.
CREATE TABLE superseded (
    place $whole NOT NULL, sequence $whole NOT NULL, by_sequence $whole NOT NULL, received $whole NOT NULL,
    PRIMARY KEY (place, sequence, by_sequence)
) $clustered;

-- One row for each batch: who wrote it, when, and under which message id.
CREATE TABLE intake (
    id $whole PRIMARY KEY, received $whole NOT NULL, actor TEXT NOT NULL, message TEXT NOT NULL, entries $whole NOT NULL,
    duplicates $whole NOT NULL
);

-- What a door refused, as it came, with the reason; ``resolution`` says what became of it later.
CREATE TABLE quarantine (
    id $whole PRIMARY KEY, received $whole NOT NULL, door TEXT NOT NULL, reason TEXT NOT NULL, media TEXT NOT NULL,
    raw $bytes NOT NULL
);
CREATE TABLE resolution (
    quarantine $whole NOT NULL, at $whole NOT NULL, actor TEXT NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (quarantine, at)
) $clustered;

-- Local codes that were seen and that no mapping knows: counted, for somebody to map.
CREATE TABLE unmapped (
    source TEXT NOT NULL, system TEXT NOT NULL, code TEXT NOT NULL, unit TEXT NOT NULL, display TEXT NOT NULL,
    example TEXT NOT NULL, first $whole NOT NULL, last $whole NOT NULL, times $whole NOT NULL,
    PRIMARY KEY (source, system, code, unit)
) $clustered;

CREATE TABLE checkpoint (
    subject $whole NOT NULL, model TEXT NOT NULL, at $whole NOT NULL, sequence $whole NOT NULL, state $bytes NOT NULL,
    PRIMARY KEY (subject, model, at)
);

-- Who did what to whose data, and by which rule; each row holds the digest of the row before.
CREATE TABLE audit (
    n $whole PRIMARY KEY, at $whole NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    allowed $small NOT NULL, rule TEXT NOT NULL, detail TEXT NOT NULL, previous $bytes NOT NULL, digest $bytes NOT NULL
);
