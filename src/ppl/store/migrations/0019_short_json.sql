-- The only value of a field in an event whose message is a short JSON object without escapes, which most with fields
-- are; NULL if it is no such event, or if the field is not there, null, or begins as an object or an array does: then
-- event_field tells. The planner puts this expression in the place of a call.
DO $do$
DECLARE
    body text := 'SELECT NULL::text';
BEGIN
    IF current_setting('server_version_num')::integer >= 160000 THEN
        body := $body$
            SELECT substring(CASE
                WHEN structured_data <> '' OR NOT starts_with(message, '{"') OR octet_length(message) > 500
                    OR strpos(message, '\') > 0 OR message IS NOT JSON THEN NULL
                -- A name with a dot is not an index, and not a key as a whole.
                WHEN strpos(name, '.') = 0 THEN message::json ->> name
                WHEN name ~ '^[A-Za-z0-9_@-]+[.][A-Za-z_@][A-Za-z0-9_@-]*$' AND strpos(message, name || '"') = 0
                    THEN message::json #>> string_to_array(name, '.')
            END FROM '^(?:[^{[].*)?$')
        $body$;
    END IF;
    EXECUTE 'CREATE FUNCTION event_short_value(structured_data text, message text, name text) RETURNS text'
        ' LANGUAGE sql IMMUTABLE PARALLEL SAFE AS ' || quote_literal(body);
END $do$;
