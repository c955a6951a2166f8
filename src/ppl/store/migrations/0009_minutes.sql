-- A minute of a destination is one row with a count for each severity, not a row for each: a day's histogram reads a
-- ninth of the rows, and a batch changes one. The table stays the same one, and readers keep their rights to it.

CREATE TABLE event_minute_former AS SELECT * FROM event_minute;
TRUNCATE event_minute;

CREATE OR REPLACE VIEW log_per_minute WITH (security_invoker = true, security_barrier = true) AS
    SELECT NULL::timestamptz AS time, NULL::text AS destination, NULL::text AS severity, NULL::bigint AS events;

ALTER TABLE event_minute
    DROP COLUMN severity,
    DROP COLUMN count,
    ADD COLUMN emerg bigint NOT NULL,
    ADD COLUMN alert bigint NOT NULL,
    ADD COLUMN crit bigint NOT NULL,
    ADD COLUMN err bigint NOT NULL,
    ADD COLUMN warning bigint NOT NULL,
    ADD COLUMN notice bigint NOT NULL,
    ADD COLUMN info bigint NOT NULL,
    ADD COLUMN debug bigint NOT NULL,
    -- Events without a severity.
    ADD COLUMN unknown bigint NOT NULL,
    ADD PRIMARY KEY (destination_id, minute);

INSERT INTO event_minute
    SELECT destination_id, minute,
        coalesce(sum(count) FILTER (WHERE severity = 0), 0),
        coalesce(sum(count) FILTER (WHERE severity = 1), 0),
        coalesce(sum(count) FILTER (WHERE severity = 2), 0),
        coalesce(sum(count) FILTER (WHERE severity = 3), 0),
        coalesce(sum(count) FILTER (WHERE severity = 4), 0),
        coalesce(sum(count) FILTER (WHERE severity = 5), 0),
        coalesce(sum(count) FILTER (WHERE severity = 6), 0),
        coalesce(sum(count) FILTER (WHERE severity = 7), 0),
        coalesce(sum(count) FILTER (WHERE severity = 8), 0)
    FROM event_minute_former GROUP BY 1, 2;
DROP TABLE event_minute_former;

CREATE OR REPLACE VIEW log_per_minute WITH (security_invoker = true, security_barrier = true) AS
    SELECT timestamptz 'epoch' + m.minute * interval '1 minute' AS time,
        d.host || ':' || d.port AS destination,
        each.severity,
        each.events
    FROM event_minute m JOIN destination d ON d.id = m.destination_id
    CROSS JOIN LATERAL (VALUES
        ('emerg', m.emerg), ('alert', m.alert), ('crit', m.crit), ('err', m.err), ('warning', m.warning),
        ('notice', m.notice), ('info', m.info), ('debug', m.debug), (NULL, m.unknown)
    ) AS each (severity, events)
    WHERE each.events > 0;
