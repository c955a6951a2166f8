-- Tokens that the lines of a destination must carry; only hashes are kept. None: lines need no token.
CREATE TABLE sender_token (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination_id bigint NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    secret_hash bytea NOT NULL UNIQUE,
    created_at bigint NOT NULL
);
CREATE INDEX sender_token_destination ON sender_token (destination_id);
