-- What the lines of uploads are recognised by when they are sent again, also after a restart; written in the transaction
-- that stores the lines. No foreign key: a batch must not fail because a destination has just been deleted.
CREATE TABLE upload_key (
    destination_id bigint NOT NULL,
    -- Whose keys they are: the name of a protocol, or "body" for lines by their number in a body with an id.
    kind text NOT NULL,
    -- Numbered keys: the series of the numbers, in UTF-8; other keys: empty.
    series bytea NOT NULL,
    -- Numbered keys: seen is about the numbers from 256 * part on; other keys: the id of the first event with them.
    part bigint NOT NULL,
    -- When the row may go, in microseconds since 1970.
    kept_until bigint NOT NULL,
    -- The number 256 * part + n is known if bit n, counted from the right, is set.
    seen bit(256),
    -- Keys that have no order, of eight bytes each.
    digests bytea,
    PRIMARY KEY (destination_id, kind, series, part)
);
