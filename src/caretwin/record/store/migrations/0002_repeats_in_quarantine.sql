-- A refused message that is sent again is counted, not kept again. digest: of door, media and message, NULL for those refused
-- before this; last: when it came last, NULL when it came once.
ALTER TABLE quarantine ADD COLUMN digest $bytes;
ALTER TABLE quarantine ADD COLUMN last $whole;
ALTER TABLE quarantine ADD COLUMN times $whole NOT NULL DEFAULT 1;
CREATE INDEX quarantine_digest ON quarantine (digest);

-- Whom a refused message is about, where other parts of it could be read: for who asks to be erased.
CREATE TABLE quarantined_subject (
    quarantine $whole NOT NULL, subject $whole NOT NULL, PRIMARY KEY (quarantine, subject)
) $clustered;
CREATE INDEX quarantined_subject_subject ON quarantined_subject (subject);

-- A version ends when both it and the one that ends it were received; before this, some ended earlier.
UPDATE superseded
    SET received = (SELECT o.received FROM observation o WHERE o.sequence = superseded.by_sequence)
    WHERE EXISTS (
        SELECT 1 FROM observation o WHERE o.sequence = superseded.by_sequence AND o.received > superseded.received
    );
UPDATE superseded
    SET received = (SELECT e.received FROM event e WHERE e.sequence = superseded.by_sequence)
    WHERE EXISTS (SELECT 1 FROM event e WHERE e.sequence = superseded.by_sequence AND e.received > superseded.received);
