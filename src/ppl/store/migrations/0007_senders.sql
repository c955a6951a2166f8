-- Who sends to a destination: hosts, files and addresses, counted in the background from the events themselves.

-- Up to which id the events of a destination are counted in the tables below; moved in the transaction that counts.
CREATE TABLE census (
    destination_id bigint PRIMARY KEY,
    counted_to bigint NOT NULL
);

-- What was seen of a kind (0: host, 1: file, 2: address), when first and last, and how many events. is_rest: of all
-- names together for which there was no room.
CREATE TABLE sender (
    destination_id bigint NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 0 AND 2),
    is_rest boolean NOT NULL,
    name text NOT NULL,
    first_seen bigint NOT NULL,
    last_seen bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (destination_id, kind, is_rest, name)
) WITH (fillfactor = 50);

-- The same by hours of receipt (hours since 1970), for the last week in which each was seen.
CREATE TABLE sender_hour (
    destination_id bigint NOT NULL,
    kind smallint NOT NULL,
    is_rest boolean NOT NULL,
    name text NOT NULL,
    hour bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (destination_id, kind, is_rest, name, hour)
) WITH (fillfactor = 50);

-- Events and bytes of their texts by quarters of an hour of receipt (since 1970): every zone's days begin with one.
-- By slot, so that what is forgotten is taken away exactly.
CREATE TABLE event_quarter (
    destination_id bigint NOT NULL,
    slot_lower bigint NOT NULL,
    quarter bigint NOT NULL,
    count bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (destination_id, slot_lower, quarter)
) WITH (fillfactor = 50);
