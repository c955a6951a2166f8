-- Events that somebody marked, with a note, shared by all who may read the destination. No foreign key to the event: the
-- note outlives it.
CREATE TABLE mark (
    destination_id bigint NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id bigint NOT NULL,
    note text NOT NULL,
    -- Who wrote the note; it stays for the others.
    account_id bigint REFERENCES account (id) ON DELETE SET NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (destination_id, id),
    UNIQUE (destination_id, event_id)
);
CREATE INDEX mark_account ON mark (account_id);
