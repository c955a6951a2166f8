-- Destinations follow the public host of their listener.
-- listener_host: the public host of the listener that serves a destination which keeps a name of its own; NULL: its own.
-- former_hosts: names that it had, the first one first; links with them go on working.
ALTER TABLE destination
    ADD COLUMN listener_host text,
    ADD COLUMN former_hosts text[] NOT NULL DEFAULT '{}';
