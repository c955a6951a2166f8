-- Makes a role that reads one account's events; run it as PostgreSQL's superuser in Ppl's database, once for each role:
--   PPL_READER_PASSWORD='…' psql … -v reader=grafana -v email=you@example.com -f sql-reader.sql
-- Run it again with another password or address to change them.

\set ON_ERROR_STOP on
\getenv password PPL_READER_PASSWORD

SELECT format('CREATE ROLE %I NOLOGIN', name) FROM (VALUES ('ppl_reader'), (:'reader')) AS wanted (name)
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE :"reader" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 5
    PASSWORD :'password';
GRANT ppl_reader TO :"reader";

-- Ingest comes first: one worker, little memory, bounded time and disk.
ALTER ROLE :"reader" SET default_transaction_read_only = on;
ALTER ROLE :"reader" SET statement_timeout = '30s';
ALTER ROLE :"reader" SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE :"reader" SET max_parallel_workers_per_gather = 0;
ALTER ROLE :"reader" SET work_mem = '16MB';
ALTER ROLE :"reader" SET temp_file_limit = '1GB';

-- Revoke what any role may do in a database by default: temporary tables, large objects, records in the log of the
-- server, and the advisory locks with which Ppl's processes take turns.
SELECT format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), tableowner) FROM pg_tables
    WHERE tablename = 'sql_reader' \gexec
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC; GRANT EXECUTE ON FUNCTION %s TO %I',
        p.oid::regprocedure, p.oid::regprocedure, t.tableowner)
    FROM pg_proc p, pg_tables t
    WHERE t.tablename = 'sql_reader' AND p.pronamespace = 'pg_catalog'::regnamespace
        AND p.proname ~ '^(pg_(try_)?advisory_|pg_logical_emit_message|lo_(create|creat|from_bytea|open|put|import|truncate|unlink)|lowrite)' \gexec

-- The planner's estimates reveal what its statistics know. Ppl lets none be gathered of texts, and existing ones are
-- removed.
DELETE FROM pg_statistic s USING pg_attribute a WHERE s.starelid = a.attrelid AND s.staattnum = a.attnum
    AND a.attstattarget = 0 AND a.attrelid IN (
        SELECT 'event'::regclass UNION ALL SELECT 'destination'::regclass
        UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = 'event'::regclass
        UNION ALL SELECT indexrelid FROM pg_index JOIN pg_inherits ON inhrelid = indrelid
            WHERE inhparent = 'event'::regclass);

SELECT ppl_admit_reader(:'reader', :'email');
