-- The founding tables. Every key of events begins with destination_id, so that Citus can distribute them by it.

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    password_hash text NOT NULL,
    time_zone text NOT NULL,
    created_at bigint NOT NULL
);
CREATE UNIQUE INDEX account_email ON account (lower(email));

CREATE TABLE session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    secret_hash bytea NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('browser', 'token')),
    label text NOT NULL DEFAULT '',
    created_at bigint NOT NULL,
    expires_at bigint
);
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_expiry ON session (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE destination (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host text NOT NULL,
    port integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    time_zone text NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (host, port)
);

CREATE TABLE membership (
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    destination_id bigint NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('owner', 'member')),
    PRIMARY KEY (account_id, destination_id)
);
CREATE INDEX membership_destination ON membership (destination_id);

-- One row per partition of event: its ids are lower <= id < upper.
CREATE TABLE slot (
    lower bigint PRIMARY KEY,
    upper bigint NOT NULL,
    CHECK (lower < upper)
);

-- No foreign key to destination: it would be checked for every row of the hot path, and destinations never go first.
CREATE TABLE event (
    destination_id bigint NOT NULL,
    id bigint NOT NULL,
    created_at bigint NOT NULL,
    sender_ip inet NOT NULL,
    facility smallint,
    severity smallint,
    hostname text NOT NULL DEFAULT '',
    file_name text NOT NULL DEFAULT '',
    procid text NOT NULL DEFAULT '',
    msgid text NOT NULL DEFAULT '',
    structured_data text NOT NULL DEFAULT '',
    message text NOT NULL DEFAULT '',
    PRIMARY KEY (destination_id, id)
) PARTITION BY RANGE (id);

-- How many events a destination has in a slot, and its highest id there: lets every walk skip empty slots.
CREATE TABLE event_count (
    destination_id bigint NOT NULL,
    slot_lower bigint NOT NULL,
    count bigint NOT NULL,
    last_id bigint NOT NULL,
    PRIMARY KEY (destination_id, slot_lower)
) WITH (fillfactor = 50);
