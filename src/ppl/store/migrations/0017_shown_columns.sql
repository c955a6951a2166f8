-- The fields that an account shows beside the lines of a destination, in order. They are its own: other readers of the
-- destination choose theirs.
CREATE TABLE shown_columns (
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    destination_id bigint NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
    names text[] NOT NULL,
    PRIMARY KEY (account_id, destination_id)
);
CREATE INDEX shown_columns_destination ON shown_columns (destination_id);
