-- Years of history: counts by minute, slots that are sealed, and how long events are kept.

-- How many events a destination has of a severity (8: none) in a minute of receipt (minutes since 1970).
CREATE TABLE event_minute (
    destination_id bigint NOT NULL,
    minute bigint NOT NULL,
    severity smallint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (destination_id, minute, severity)
) WITH (fillfactor = 50);

INSERT INTO event_minute (destination_id, minute, severity, count)
    SELECT destination_id, id / 60000000, coalesce(severity, 8), count(*) FROM event GROUP BY 1, 2, 3;

-- When the slot got its index for searches, µs; NULL: not yet.
ALTER TABLE slot ADD COLUMN indexed_at bigint;

-- For how many days events are kept; NULL: as long as the installation says. Closed: receives nothing any more, µs.
ALTER TABLE destination
    ADD COLUMN retention_days integer CHECK (retention_days BETWEEN 1 AND 36500),
    ADD COLUMN closed_at bigint;
