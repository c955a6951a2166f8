-- The fields of an event: the values that ppl/search/fields.py reads from the same texts. No text may raise an error
-- here, as one such row would break every search that reads it.

-- A text that begins with a brace in a form that PostgreSQL parses: the escapes that it refuses become U+FFFD. NULL if
-- it has more objects and arrays than are looked into, as the parser recurs for each level.
CREATE FUNCTION event_json_text(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT COST 200 AS $$
DECLARE
    outside text;
BEGIN
    IF octet_length(value) > 500 AND 2 * octet_length(value)
        - octet_length(replace(value, '{', '')) - octet_length(replace(value, '[', '')) > 500
    THEN
        outside := regexp_replace(value, '"(?:[^"\\]|\\.)*"', '', 'g');
        IF length(outside) - length(translate(outside, '{[', '')) > 500 THEN
            RETURN NULL;
        END IF;
    END IF;
    IF strpos(value, '\u') = 0 OR (strpos(value, '\u0000') = 0 AND value !~ '\\u[dD][89a-fA-F]') THEN
        RETURN value;
    END IF;
    -- Where no backslash is doubled, each begins an escape.
    value := replace(replace(value, '\\', '\u005c'), '\u0000', '\ufffd');
    value := regexp_replace(
        value, '\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})', '\\ufffd', 'g');
    RETURN regexp_replace(
        value, '(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}', '\\ufffd', 'g');
END $$;

-- The object that a text is which begins with a brace; NULL if it is not JSON.
DO $do$
BEGIN
    IF current_setting('server_version_num')::integer >= 160000 THEN
        EXECUTE $create$
            CREATE FUNCTION event_json(value text) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT COST 200 AS $$
            BEGIN
                value := event_json_text(value);
                IF value IS JSON THEN
                    RETURN value::json;
                END IF;
                RETURN NULL;
            END $$ $create$;
    ELSE
        EXECUTE $create$
            CREATE FUNCTION event_json(value text) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT COST 2000 AS $$
            BEGIN
                RETURN event_json_text(value)::json;
            EXCEPTION WHEN data_exception THEN
                RETURN NULL;
            END $$ $create$;
    END IF;
END $do$;

-- The values in a node of the field that is called so from there on (NULL: of the node itself), down to so many levels
-- of objects and arrays, at most the first 200.
CREATE FUNCTION event_json_field(node json, name text, levels integer) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE COST 500 AS $$
DECLARE
    kind text := json_typeof(node);
    part text;
    child json;
    found text[] := '{}';
    dot integer;
BEGIN
    IF kind = 'object' THEN
        IF levels = 0 OR name IS NULL THEN
            RETURN found;
        ELSIF strpos(name, '.') = 0 THEN
            child := node -> name;
            kind := json_typeof(child);
            IF kind = 'array' THEN
                RETURN event_json_field(child, NULL, levels - 1);
            ELSIF kind <> 'object' THEN
                RETURN ARRAY[coalesce(child #>> '{}', 'null')];
            END IF;
            RETURN found;
        END IF;
        IF octet_length(node::text) * length(name) < 20000 THEN
            -- A few readings of a short node take less time than a query.
            child := node -> name;
            IF child IS NOT NULL THEN
                found := event_json_field(child, NULL, levels - 1);
            END IF;
            dot := strpos(name, '.');
            WHILE dot > 0 LOOP
                child := node -> left(name, dot - 1);
                IF json_typeof(child) IN ('object', 'array') THEN
                    found := found || event_json_field(child, substr(name, dot + 1), levels - 1);
                END IF;
                dot := dot + nullif(strpos(substr(name, dot + 1), '.'), 0);
            END LOOP;
            RETURN found[:200];
        END IF;
        -- One reading of the node for all keys that the name may begin with; of equal keys the last one counts.
        FOR part, child IN
            SELECT DISTINCT ON (key <> name, length(key)) key, member
                FROM json_each(node) WITH ORDINALITY AS each (key, member, number)
                WHERE key = name OR starts_with(name, key || '.')
                ORDER BY key <> name, length(key), number DESC
        LOOP
            IF part = name THEN
                found := event_json_field(child, NULL, levels - 1);
            ELSIF json_typeof(child) IN ('object', 'array') THEN
                found := found || event_json_field(child, substr(name, length(part) + 2), levels - 1);
            END IF;
        END LOOP;
        RETURN found[:200];
    ELSIF kind = 'array' THEN
        IF levels = 0 THEN
            RETURN found;
        ELSIF strpos(node::text, '{') = 0 AND strpos(substr(node::text, 2), '[') = 0 THEN
            -- Each element is a text or the like.
            IF name IS NULL THEN
                SELECT array_agg(coalesce(element, 'null')) INTO found
                    FROM (SELECT element FROM json_array_elements_text(node) AS element LIMIT 200) AS first;
            END IF;
            RETURN coalesce(found, '{}');
        END IF;
        SELECT array_agg(each) INTO found FROM (
            SELECT each FROM json_array_elements(node) AS element, unnest(CASE
                WHEN json_typeof(element) IN ('object', 'array') THEN event_json_field(element, name, levels - 1)
                WHEN name IS NULL THEN ARRAY[coalesce(element #>> '{}', 'null')] END) AS each
                LIMIT 200) AS first;
        RETURN coalesce(found, '{}');
    ELSIF name IS NULL THEN
        RETURN ARRAY[coalesce(node #>> '{}', 'null')];
    END IF;
    RETURN found;
END $$;

-- The value of a pair without what closes a text around it.
CREATE FUNCTION event_bare(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(CASE WHEN value ~ '[([{]' THEN value ELSE rtrim(value, ')]}''') END, '''')
$$;

-- The values of key="value" pairs at the beginning of a text. What stands in quotes is no pair.
CREATE FUNCTION event_pairs(value text, name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT COST 2000 AS $$
DECLARE
    pair text;
    masked text;
    quoted text[];
    match text[];
    found text[] := '{}';
BEGIN
    value := left(value, 16384);
    masked := value;
    IF strpos(value, name || '=') = 0 OR name !~ '^[A-Za-z_@][A-Za-z0-9_.@-]*$' THEN
        RETURN '{}';
    END IF;
    pair := '(?:^|[ \t\n\r\f\v,;|(\[{])' || replace(name, '.', '\.') || '=(?![=>~])'
        '("[0-9]*"|(?:[^ \t\n\r\f\v",;|(\[{]|[,;|](?![ \t\n\r\f\v,;|]|$|[A-Za-z_@][A-Za-z0-9_.@-]*=)'
        '|[(\[{](?![A-Za-z_@][A-Za-z0-9_.@-]*=))*)';
    IF strpos(value, '="') > 0 THEN
        masked := regexp_replace(value, '="(?:[^"\\]|\\.)*"', '=""', 'g');
    END IF;
    IF strpos(masked, name || '=""') = 0 THEN
        SELECT coalesce(array_agg(event_bare(pairs[1])), '{}') INTO found
            FROM (SELECT pairs FROM regexp_matches(masked, pair, 'g') AS pairs LIMIT 200) AS first;
        RETURN found;
    END IF;
    -- A number in the place of each quoted value leads to what it was.
    quoted := ARRAY(SELECT pairs[1] FROM regexp_matches(value, '="((?:[^"\\]|\\.)*)"', 'g') AS pairs);
    SELECT string_agg(CASE WHEN number > cardinality(quoted) THEN part ELSE part || '="' || number || '"' END, ''
        ORDER BY number) INTO masked
        FROM regexp_split_to_table(value, '="(?:[^"\\]|\\.)*"') WITH ORDINALITY AS split (part, number);
    -- In a query instead of a loop each look into the array would take time in proportion to its length.
    FOR match IN SELECT regexp_matches(masked, pair, 'g') LOOP
        IF NOT starts_with(match[1], '"') THEN
            found := array_append(found, event_bare(match[1]));
        ELSE
            found := array_append(
                found, regexp_replace(quoted[btrim(match[1], '"')::integer], '\\(["\\\]])', '\1', 'g'));
        END IF;
        EXIT WHEN cardinality(found) = 200;
    END LOOP;
    RETURN found;
END $$;

-- The values of a parameter at the beginning of RFC 5424 structured data, by its name or that of its element and its own.
CREATE FUNCTION event_parameters(value text, name text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT COST 2000 AS $$
DECLARE
    found text[] := '{}';
    match text[];
    element text := '';
BEGIN
    value := left(value, 16384);
    IF strpos(value, split_part(name, '.', -1) || '="') = 0 THEN
        RETURN found;
    ELSIF strpos(name, '.') = 0 THEN
        SELECT coalesce(array_agg(regexp_replace(parameter[3], '\\(["\\\]])', '\1', 'g')), '{}') INTO found
            FROM regexp_matches(value, '\[([^ \t\n\r="\]]+)|[ ]([^ \t\n\r="\]]+)="((?:[^"\\]|\\.)*)"', 'g') AS parameter
            WHERE parameter[2] = name;
    ELSE
        FOR match IN
            SELECT regexp_matches(value, '\[([^ \t\n\r="\]]+)|[ ]([^ \t\n\r="\]]+)="((?:[^"\\]|\\.)*)"', 'g')
        LOOP
            IF match[1] IS NOT NULL THEN
                element := match[1];
            ELSIF match[2] = name OR element || '.' || match[2] = name THEN
                found := array_append(found, regexp_replace(match[3], '\\(["\\\]])', '\1', 'g'));
            END IF;
        END LOOP;
    END IF;
    RETURN found;
END $$;

-- The values of a field in one text of an event, the structured data or the message.
CREATE FUNCTION event_text_field(value text, name text, is_message boolean) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT COST 2000 AS $$
DECLARE
    begins integer := 0;
    json_length integer;
    object json;
    found text[] := '{}';
BEGIN
    IF starts_with(value, '{"') THEN
        begins := 1;
    ELSIF strpos(value, '{') > 0 THEN
        begins := coalesce(strpos(value, substring(value from '[{][ \t\n\r]*"')), 0);
    END IF;
    IF begins > 0 THEN
        object := event_json(substr(value, begins));
        IF object IS NOT NULL THEN
            json_length := length(value) - begins + 1;
            value := left(value, begins - 1);
        END IF;
    END IF;
    IF is_message THEN
        found := event_pairs(value, name);
    ELSIF starts_with(value, '[') THEN
        found := event_parameters(value, name);
    END IF;
    IF object IS NOT NULL THEN
        -- The nodes of each level are read again.
        found := found || event_json_field(object, name, CASE WHEN json_length <= 8192 THEN 32 ELSE 8 END);
    END IF;
    RETURN found[:200];
END $$;

-- The values of a field of an event, at most the first 200; the message is without its colours.
DO $do$
DECLARE
    body text := $body$
DECLARE
    object json;
    value text;
BEGIN
    IF length(name) > 256 THEN
        RETURN '{}';
    ELSIF structured_data <> '' THEN
        IF message = '' THEN
            RETURN event_text_field(structured_data, name, false);
        END IF;
        RETURN (event_text_field(structured_data, name, false) || event_text_field(message, name, true))[:200];
    END IF;
    -- Most messages without the field: a key or a pair would have the name in it.
    IF strpos(message, split_part(name, '.', -1) || '"') = 0 AND strpos(message, name || '=') = 0
        AND strpos(message, '\u') = 0 AND name ~ '^[A-Za-z0-9_.@-]+$'
    THEN
        RETURN '{}';
    END IF;
    /* short JSON */
    RETURN event_text_field(message, name, true);
END $body$;
    -- What most messages with fields are, in a third of the time that the general way takes: a short object without odd
    -- escapes, and a name whose value is one text. A name with a dot is not an index, and not a key as a whole.
    short_json text := $json$
    IF starts_with(message, '{"') AND octet_length(message) <= 500 AND strpos(message, '\u') = 0
        AND message IS JSON
    THEN
        IF strpos(name, '.') = 0 THEN
            value := message::json ->> name;
        ELSIF name ~ '^[A-Za-z0-9_@-]+[.][A-Za-z_@][A-Za-z0-9_@-]*$' AND strpos(message, name || '"') = 0 THEN
            value := message::json #>> string_to_array(name, '.');
        END IF;
        IF left(value, 1) NOT IN ('{', '[') THEN
            RETURN ARRAY[value];
        END IF;
    END IF;
    $json$;
BEGIN
    IF current_setting('server_version_num')::integer >= 160000 THEN
        body := replace(body, '/* short JSON */', short_json);
    END IF;
    EXECUTE 'CREATE FUNCTION event_field(structured_data text, message text, name text) RETURNS text[]'
        ' LANGUAGE plpgsql IMMUTABLE STRICT COST 2000 AS ' || quote_literal(body);
END $do$;

-- The number that a value is, as ppl/search/quantity.py reads it: 'number' takes it only without a unit, 'any' leaves
-- its unit out, 'time' and 'bytes' count in nanoseconds and bytes; NULL if it is no such number.
CREATE FUNCTION event_number(value text, kind text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT COST 200 AS $$
DECLARE
    parts text[];
    unit text;
    factor numeric;
BEGIN
    IF length(value) > 64 THEN
        RETURN NULL;
    ELSIF value ~ '^[0-9]+$' THEN
        RETURN CASE WHEN kind IN ('number', 'any') THEN value::numeric END;
    END IF;
    parts := regexp_match(
        value, '^([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)(?:[ ]?([A-Za-zµμ%]+))?$');
    IF parts IS NULL THEN
        RETURN NULL;
    END IF;
    unit := translate(parts[2], 'ABCDEFGHIJKLMNOPQRSTUVWXYZμ', 'abcdefghijklmnopqrstuvwxyzµ');
    IF unit IS NULL THEN
        RETURN CASE WHEN kind IN ('number', 'any') THEN parts[1]::numeric END;
    ELSIF kind = 'number' THEN
        RETURN NULL;
    ELSIF kind = 'any' AND unit = '%' THEN
        RETURN parts[1]::numeric;
    END IF;
    IF kind IN ('any', 'time') THEN
        factor := CASE unit
            WHEN 'ns' THEN 1 WHEN 'us' THEN 1000 WHEN 'µs' THEN 1000 WHEN 'ms' THEN 1000000
            WHEN 's' THEN 1000000000 WHEN 'sec' THEN 1000000000 WHEN 'seconds' THEN 1000000000
            WHEN 'm' THEN 60000000000 WHEN 'min' THEN 60000000000
            WHEN 'h' THEN 3600000000000 WHEN 'd' THEN 86400000000000 END;
    END IF;
    IF kind IN ('any', 'bytes') AND factor IS NULL THEN
        factor := CASE unit
            WHEN 'b' THEN 1 WHEN 'bytes' THEN 1
            WHEN 'kb' THEN 1000 WHEN 'mb' THEN 1000000 WHEN 'gb' THEN 1000000000 WHEN 'tb' THEN 1000000000000
            WHEN 'kib' THEN 1024 WHEN 'mib' THEN 1048576 WHEN 'gib' THEN 1073741824 WHEN 'tib' THEN 1099511627776 END;
    END IF;
    RETURN parts[1]::numeric * CASE WHEN kind <> 'any' OR factor IS NULL THEN factor ELSE 1 END;
END $$;

-- Those of a field's values that are numbers.
CREATE FUNCTION event_numbers(texts text[], kind text) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE STRICT COST 200 AS $$
BEGIN
    -- What most are: one number without a unit.
    IF cardinality(texts) = 1 AND length(texts[1]) <= 64 AND kind IN ('number', 'any')
        AND texts[1] ~ '^[0-9]+([.][0-9]+)?$'
    THEN
        RETURN ARRAY[texts[1]::numeric];
    END IF;
    RETURN ARRAY(
        SELECT number FROM unnest(texts) AS value, event_number(value, kind) AS number WHERE number IS NOT NULL);
END $$;

-- Before PostgreSQL 16 they begin subtransactions, which parallel workers cannot.
DO $do$
BEGIN
    IF current_setting('server_version_num')::integer >= 160000 THEN
        ALTER FUNCTION event_json_text(text) PARALLEL SAFE;
        ALTER FUNCTION event_json(text) PARALLEL SAFE;
        ALTER FUNCTION event_json_field(json, text, integer) PARALLEL SAFE;
        ALTER FUNCTION event_text_field(text, text, boolean) PARALLEL SAFE;
        ALTER FUNCTION event_field(text, text, text) PARALLEL SAFE;
    END IF;
    ALTER FUNCTION event_pairs(text, text) PARALLEL SAFE;
    ALTER FUNCTION event_parameters(text, text) PARALLEL SAFE;
    ALTER FUNCTION event_number(text, text) PARALLEL SAFE;
    ALTER FUNCTION event_numbers(text[], text) PARALLEL SAFE;
END $do$;
