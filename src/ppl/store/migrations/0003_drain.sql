-- Tokens by which lines come over HTTPS: each belongs to one destination, and only its hash is kept.
CREATE TABLE drain (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination_id bigint NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    secret_hash bytea NOT NULL UNIQUE,
    label text NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX drain_destination ON drain (destination_id);
