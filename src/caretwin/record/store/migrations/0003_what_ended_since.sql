-- What ceased to hold since a sequence number is asked at every turn of a ward.
CREATE INDEX superseded_by ON superseded (by_sequence);
