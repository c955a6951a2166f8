-- Roles of PostgreSQL's own that read an account's events with SQL: row-level security, and a view for people.

CREATE TABLE sql_reader (
    role_name name PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE
);

-- Bodies of this form are bound when they are made: no search_path and no temporary table changes what they mean.
CREATE FUNCTION ppl_readable() RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(array_agg(m.destination_id), '{}') FROM sql_reader r JOIN membership m ON m.account_id = r.account_id
        WHERE r.role_name = session_user;
END;
REVOKE EXECUTE ON FUNCTION ppl_readable() FROM PUBLIC;

-- An id is the microsecond of receipt: WHERE id >= ppl_id(now() - interval '1 hour') reads the slots of that time only.
CREATE FUNCTION ppl_id(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (extract(epoch FROM at) * 1000000)::bigint;

-- Ppl's role owns the tables, so that none of this holds for it; partitions are readable for nobody else.
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON event FOR SELECT USING (destination_id = ANY ((SELECT ppl_readable())::bigint[]));
ALTER TABLE event_minute ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON event_minute FOR SELECT USING (destination_id = ANY ((SELECT ppl_readable())::bigint[]));
ALTER TABLE destination ENABLE ROW LEVEL SECURITY;
CREATE POLICY reader ON destination FOR SELECT USING (id = ANY ((SELECT ppl_readable())::bigint[]));

CREATE VIEW log WITH (security_invoker = true, security_barrier = true) AS
    SELECT e.id,
        timestamptz 'epoch' + e.created_at * interval '1 microsecond' AS time,
        timestamptz 'epoch' + e.id * interval '1 microsecond' AS received_at,
        d.host || ':' || d.port AS destination,
        e.hostname AS host,
        e.sender_ip,
        e.file_name AS program,
        e.procid,
        (ARRAY['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'])[e.severity + 1] AS severity,
        (ARRAY['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp',
            'ntp', 'audit', 'alert', 'clock', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6',
            'local7'])[e.facility + 1] AS facility,
        e.msgid,
        e.structured_data,
        e.message
    FROM event e JOIN destination d ON d.id = e.destination_id;

CREATE VIEW log_per_minute WITH (security_invoker = true, security_barrier = true) AS
    SELECT timestamptz 'epoch' + m.minute * interval '1 minute' AS time,
        d.host || ':' || d.port AS destination,
        (ARRAY['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'])[m.severity + 1] AS severity,
        m.count AS events
    FROM event_minute m JOIN destination d ON d.id = m.destination_id;

-- Lets a role that exists read what the account of that address may read.
CREATE FUNCTION ppl_admit_reader(role name, email text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    account bigint := (SELECT a.id FROM account a WHERE lower(a.email) = lower(ppl_admit_reader.email));
    ours regrole := (SELECT relowner FROM pg_class WHERE oid = 'event'::regclass);
BEGIN
    IF account IS NULL THEN
        RAISE EXCEPTION 'There is no account of that address.';
    END IF;
    IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role
            AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR pg_has_role(r.oid, ours, 'MEMBER'))) THEN
        RAISE EXCEPTION 'The role % may more than read: make one for readers only.', role;
    END IF;
    INSERT INTO sql_reader VALUES (role, account) ON CONFLICT (role_name) DO UPDATE SET account_id = excluded.account_id;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
    EXECUTE format('GRANT SELECT ON event, event_minute, log, log_per_minute TO %I', role);
    EXECUTE format('GRANT SELECT (id, host, port, time_zone) ON destination TO %I', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ppl_readable() TO %I', role);
END $$;
REVOKE EXECUTE ON FUNCTION ppl_admit_reader(name, text) FROM PUBLIC;

-- Takes it back.
CREATE FUNCTION ppl_dismiss_reader(role name) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM sql_reader WHERE role_name = role;
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM %I', current_schema(), role);
    EXECUTE format('REVOKE SELECT ON event, event_minute, log, log_per_minute FROM %I', role);
    EXECUTE format('REVOKE SELECT (id, host, port, time_zone) ON destination FROM %I', role);
    EXECUTE format('REVOKE EXECUTE ON FUNCTION ppl_readable() FROM %I', role);
END $$;
REVOKE EXECUTE ON FUNCTION ppl_dismiss_reader(name) FROM PUBLIC;
