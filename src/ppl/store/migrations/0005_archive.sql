-- Daily archives: what is kept where, and which events of each slot it covers.

-- Where the installation archives to; no row: nowhere. Every process that forgets events heeds it.
CREATE TABLE archiving (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    place text NOT NULL
);

-- The file of a destination's day (days since 1970, UTC) in a place.
CREATE TABLE archive (
    destination_id bigint NOT NULL,
    day integer NOT NULL,
    place text NOT NULL,
    key text NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    archived_at bigint NOT NULL,
    PRIMARY KEY (destination_id, day, place)
);

-- How many events of a destination's part of a slot are in the file of a day. When all days of a slot together have as
-- many as event_count, all of them are archived; one that comes late makes the two differ again.
CREATE TABLE archived (
    destination_id bigint NOT NULL,
    slot_lower bigint NOT NULL,
    day integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (destination_id, slot_lower, day)
);
