-- A merge that was wrong: from ``received`` on the two are two again. undone: sequence number of the merge.
CREATE TABLE parted (
    sequence $whole PRIMARY KEY, undone $whole NOT NULL UNIQUE, received $whole NOT NULL, source TEXT NOT NULL
);
