-- Who may send to a destination, and how much.
-- networks: addresses and networks in CIDR notation; none: anybody. The quotas are the owner's, within the operator's.
ALTER TABLE destination
    ADD COLUMN networks text[] NOT NULL DEFAULT '{}',
    ADD COLUMN max_lines_per_second bigint CHECK (max_lines_per_second > 0),
    ADD COLUMN max_bytes_per_day bigint CHECK (max_bytes_per_day > 0);

-- What came to a destination in an hour (since 1970): lines and bytes that were taken, and lines that were dropped.
-- Kept for some days.
CREATE TABLE intake_hour (
    destination_id bigint NOT NULL,
    hour bigint NOT NULL,
    lines bigint NOT NULL,
    bytes bigint NOT NULL,
    dropped bigint NOT NULL,
    PRIMARY KEY (destination_id, hour)
) WITH (fillfactor = 50);
CREATE INDEX intake_hour_hour ON intake_hour (hour);
