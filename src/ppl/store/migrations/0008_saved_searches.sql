-- Searches under a name, shared by all who may read the destination.
CREATE TABLE saved_search (
    destination_id bigint NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    query text NOT NULL,
    -- Who saved it; what somebody saved stays for the others.
    account_id bigint REFERENCES account (id) ON DELETE SET NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (destination_id, id)
);
CREATE UNIQUE INDEX saved_search_name ON saved_search (destination_id, lower(name));
CREATE INDEX saved_search_account ON saved_search (account_id);
