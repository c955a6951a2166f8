-- Searches look in all texts of an event, so the indexes of sealed slots are to be built again, in the background.
-- Until then the slots are scanned, as those that are not sealed yet.
UPDATE slot SET indexed_at = NULL;
