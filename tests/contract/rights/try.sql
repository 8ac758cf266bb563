-- Tries every cell of matrix.txt for real, and says in TAP what differs (pgTAP). Run as superuser, seed.sql after it.
--
--   rights_test.expected    the matrix, one row per cell and verb; filled by test_rights_matrix.py
--   rights_test.run(…)      the TAP lines
--
-- Each try runs as the role, with the token's claims, in a subtransaction that is always undone.
CREATE SCHEMA tap;
CREATE EXTENSION pgtap SCHEMA tap;
CREATE SCHEMA rights_test;
GRANT USAGE ON SCHEMA rights_test TO PUBLIC; -- a try may not fail because of where the test's own things are

CREATE TABLE rights_test.expected (
    object text,     -- as in the matrix: kind and name
    actor text,
    verb text,       -- one letter
    cell text,       -- the letter, with its columns where not all; or -
    PRIMARY KEY (object, actor, verb)
);

CREATE TABLE rights_test.actors (place int, actor text PRIMARY KEY, role name, claims text);
INSERT INTO rights_test.actors
    SELECT v.place, v.actor, v.role, coalesce('{"sub": "' || md5(v.person || ' user')::uuid || '"}', '')
    FROM (VALUES (1, 'anon', 'anon', NULL), (2, 'user', 'authenticated', 'a'), (3, 'other', 'authenticated', 'b'),
                 (4, 'admin', 'authenticated', 'c'), (5, 'service', 'service_role', NULL),
                 (6, 'ingester', 'tradewire_ingester', NULL), (7, 'dispatcher', 'tradewire_dispatcher', NULL),
                 (8, 'gateway', 'tradewire_gateway', NULL), (9, 'sync', 'tradewire_sync', NULL),
                 (10, 'operator', 'tradewire_operator', NULL), (11, 'nobody', 'authenticated', NULL)) v (place, actor, role, person);

CREATE TABLE rights_test.verbs (place int, kind text, verb text, word text);
INSERT INTO rights_test.verbs VALUES
    (1, 'relation', 'S', 'select'), (2, 'relation', 'I', 'insert'), (3, 'relation', 'U', 'update'),
    (4, 'relation', 'D', 'delete'), (5, 'relation', 'T', 'truncate'), (6, 'relation', 'R', 'references'),
    (7, 'relation', 'G', 'trigger'),
    (1, 'sequence', 'S', 'select'), (2, 'sequence', 'U', 'setval'), (3, 'sequence', 'X', 'nextval'),
    (1, 'function', 'X', 'execute'), (1, 'type', 'U', 'usage'),
    (1, 'schema', 'X', 'usage'), (2, 'schema', 'C', 'create');

-- Everything that is there. A function goes by its name as long as no other has the same.
CREATE VIEW rights_test.objects AS
    WITH schemas AS (
        SELECT n.oid, CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END AS prefix, n.nspname
        FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tap', 'rights_test')
    )
    SELECT 'schema' AS kind, 'schema ' || quote_ident(s.nspname) AS object, 'schema ' || quote_ident(s.nspname) AS listed_as,
           NULL::text AS row_key, s.oid, NULL::"char" AS relkind, s.nspname AS name
    FROM schemas s
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END,
           k.word || s.prefix || quote_ident(c.relname),
           CASE WHEN c.relispartition
                THEN 'partitions ' || (SELECT s.prefix || quote_ident(p.relname) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
                                       WHERE i.inhrelid = c.oid)
                ELSE k.word || s.prefix || quote_ident(c.relname) END,
           s.prefix || quote_ident(c.relname), c.oid, c.relkind, c.relname
    FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '
                                              WHEN 'f' THEN 'foreign table ' ELSE 'table ' END AS word) k
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'function', f.object, f.object, NULL, f.oid, NULL, f.proname
    FROM (SELECT p.oid, p.proname, 'function ' || s.prefix || CASE WHEN count(*) OVER (PARTITION BY p.pronamespace, p.proname) = 1
                     THEN quote_ident(p.proname) ELSE format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) END AS object
          FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace) f
    UNION ALL
    -- Not a table's row type, which nobody gave or took, nor an array.
    SELECT 'type', 'type ' || s.prefix || quote_ident(t.typname), 'type ' || s.prefix || quote_ident(t.typname), NULL, t.oid, NULL, t.typname
    FROM pg_type t JOIN schemas s ON s.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c';

-- What this run found, and tries; a table, so that the planner knows how much there is.
CREATE TABLE rights_test.seen AS SELECT *, TRUE AS is_tried FROM rights_test.objects WITH NO DATA;

-- `rows N`; `denied: …` the right is missing; `hidden` row level security refuses the new row; `error SQLSTATE`: something
-- that is looked at after rights, so they are there.
CREATE FUNCTION rights_test.rights_try(p_role name, p_claims text, p_statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_rows bigint;
    v_state text;
    v_text text;
BEGIN
    BEGIN
        -- The second is what older versions of auth.uid() read.
        PERFORM set_config('request.jwt.claims', p_claims, true),
                set_config('request.jwt.claim.sub', coalesce(nullif(p_claims, '')::jsonb ->> 'sub', ''), true),
                set_config('role', p_role, true);
        EXECUTE p_statement;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        RAISE SQLSTATE 'TWUND' USING MESSAGE = v_rows;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_text = MESSAGE_TEXT;
    END;
    RETURN CASE WHEN v_state = 'TWUND' THEN 'rows ' || v_text
                WHEN v_state = '42501' AND v_text ~ '^permission denied for ' THEN 'denied: ' || v_text
                WHEN v_state = '42501' AND v_text ~ 'row-level security policy' THEN 'hidden'
                ELSE 'error ' || v_state END;
END $$;

-- What was found: the columns for which the right is there (all of them: NULL; none: no row), and whether a's row lets itself
-- be acted on.
CREATE TABLE rights_test.found (object text, actor text, verb text, columns text[], is_real boolean);

CREATE FUNCTION rights_test.try_columns(p_relation regclass, p_columns text[], p_role name, p_verb text) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    v_form text := CASE p_verb WHEN 'S' THEN 'SELECT %2$s FROM %1$s LIMIT 0'
                               WHEN 'I' THEN 'INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %3$s WHERE false'
                               ELSE 'UPDATE %1$s SET %4$s WHERE false' END;
    v_columns text[] := '{}';
    v_right text := CASE p_verb WHEN 'S' THEN 'SELECT' WHEN 'I' THEN 'INSERT' ELSE 'UPDATE' END;
    v_result text;
BEGIN
    -- Several at once first: nearly always the answer is all or none.
    v_result := rights_test.rights_try(p_role, '', format(v_form, p_relation,
        (SELECT string_agg(quote_ident(c), ', ') FROM unnest(p_columns) c),
        (SELECT string_agg('NULL', ', ') FROM unnest(p_columns)),
        (SELECT string_agg(quote_ident(c) || ' = DEFAULT', ', ') FROM unnest(p_columns) c)));
    IF v_result = 'error 55000' THEN -- a view that is nobody's to write through: only the grant can be looked at
        RETURN (SELECT array_agg(c) FROM unnest(p_columns) c
                WHERE has_column_privilege(p_role, p_relation, c, v_right));
    ELSIF v_result !~ '^denied' THEN
        RETURN p_columns;
    ELSIF cardinality(p_columns) = 1 OR NOT has_any_column_privilege(p_role, p_relation, v_right) THEN
        RETURN NULL;
    END IF;
    FOR i IN 1 .. cardinality(p_columns) LOOP
        v_columns := v_columns || rights_test.try_columns(p_relation, p_columns[i:i], p_role, p_verb);
    END LOOP;
    RETURN nullif(v_columns, '{}');
END $$;

-- One relation, one actor. p_row is a's row, NULL where none is known: then the right alone counts.
CREATE PROCEDURE rights_test.try_relation(p_object rights_test.seen, p_actor rights_test.actors, p_key jsonb, p_row jsonb)
LANGUAGE plpgsql AS $$
DECLARE
    v_relation regclass := p_object.oid;
    v_columns text[] := (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                         WHERE a.attrelid = p_object.oid AND a.attnum > 0 AND NOT a.attisdropped);
    v_given text[] := (SELECT array_agg(a.attname::text) FROM pg_attribute a
                       WHERE a.attrelid = p_object.oid AND (a.attidentity <> '' OR a.attgenerated <> ''));
    v_select text[];
    v_some text[];
    v_where text := '';
    v_result text;
    v_verb text;
BEGIN
    v_select := rights_test.try_columns(v_relation, v_columns, p_actor.role, 'S');
    -- Without the right to read the key, any row counts as a's.
    IF v_select @> ARRAY(SELECT jsonb_object_keys(p_key)) THEN
        v_where := ' WHERE ' || (SELECT string_agg(format('%I = %L', k.key, k.value), ' AND ') FROM jsonb_each_text(p_key) k);
    END IF;
    FOREACH v_verb IN ARRAY '{S,I,U}'::text[] LOOP
        v_some := CASE v_verb WHEN 'S' THEN v_select
                              ELSE rights_test.try_columns(v_relation, v_columns, p_actor.role, v_verb) END;
        CONTINUE WHEN v_some IS NULL;
        v_result := CASE WHEN p_row IS NULL THEN 'rows 1' ELSE rights_test.rights_try(p_actor.role, p_actor.claims, CASE v_verb
            WHEN 'S' THEN format('SELECT %I FROM %s%s', v_some[1], v_relation, v_where)
            WHEN 'I' THEN format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, %3$L)',
                                 v_relation, (SELECT string_agg(quote_ident(c), ', ') FROM unnest(v_some) c), p_row)
            ELSE format('UPDATE %s SET %s%s', v_relation,
                        (SELECT string_agg(format('%I = %s', c, CASE WHEN c = ANY (v_select) THEN quote_ident(c) ELSE 'DEFAULT' END), ', ')
                         FROM unnest(v_some) c WHERE c <> ALL (coalesce(v_given, '{}'))), v_where) END) END;
        INSERT INTO rights_test.found VALUES (p_object.object, p_actor.actor, v_verb,
            CASE WHEN cardinality(v_some) < cardinality(v_columns) THEN v_some END, v_result !~ '^(rows 0|denied|hidden)');
    END LOOP;

    v_result := rights_test.rights_try(p_actor.role, p_actor.claims, format('DELETE FROM %s WHERE false', v_relation));
    IF v_result !~ '^denied' AND (v_result <> 'error 55000' OR has_table_privilege(p_actor.role, v_relation, 'DELETE')) THEN
        IF p_row IS NOT NULL THEN
            v_result := rights_test.rights_try(p_actor.role, p_actor.claims, format('DELETE FROM %s%s', v_relation, v_where));
        END IF;
        INSERT INTO rights_test.found VALUES (p_object.object, p_actor.actor, 'D', NULL, p_row IS NULL OR v_result !~ '^(rows 0|denied)');
    END IF;
    -- A view can't be truncated: of it, too, only the grant can be looked at.
    v_result := rights_test.rights_try(p_actor.role, p_actor.claims, format('TRUNCATE %s', v_relation));
    IF v_result !~ '^denied' AND (v_result <> 'error 42809' OR has_table_privilege(p_actor.role, v_relation, 'TRUNCATE')) THEN
        INSERT INTO rights_test.found VALUES (p_object.object, p_actor.actor, 'T', NULL, TRUE);
    END IF;
    -- These two need objects of the actor's own, which it can't make anywhere.
    INSERT INTO rights_test.found
    SELECT p_object.object, p_actor.actor, v.verb, NULL, TRUE
    FROM (VALUES ('R', has_any_column_privilege(p_actor.role, v_relation, 'REFERENCES')),
                 ('G', has_table_privilege(p_actor.role, v_relation, 'TRIGGER'))) v (verb, is_given) WHERE v.is_given;
END $$;

CREATE PROCEDURE rights_test.try_other(p_object rights_test.seen, p_actor rights_test.actors)
LANGUAGE plpgsql AS $$
DECLARE
    v_verb text;
    v_statement text;
    v_result text;
    v_schema text := (SELECT quote_ident(nspname) FROM pg_namespace n WHERE n.oid IN (
        SELECT pronamespace FROM pg_proc WHERE p_object.kind = 'function' AND oid = p_object.oid));
BEGIN
    FOR v_verb IN SELECT v.verb FROM rights_test.verbs v WHERE v.kind = p_object.kind LOOP
        IF p_object.kind = 'type' THEN -- what it is needed for are objects of the actor's own, which it can't make anywhere
            CONTINUE WHEN NOT has_type_privilege(p_actor.role, p_object.oid, 'USAGE');
            v_statement := 'SELECT';
        ELSIF p_object.kind = 'sequence' THEN
            v_statement := CASE v_verb WHEN 'S' THEN format('SELECT last_value FROM %s', p_object.oid::regclass)
                                       WHEN 'U' THEN format('SELECT setval(%L, 1000000)', p_object.oid::regclass)
                                       ELSE format('SELECT nextval(%L)', p_object.oid::regclass) END;
        ELSIF p_object.kind = 'schema' THEN
            CONTINUE WHEN v_verb = 'X' AND NOT has_schema_privilege(p_actor.role, p_object.oid, 'USAGE');
            v_statement := CASE v_verb WHEN 'X' THEN 'SELECT' ELSE format('CREATE TABLE %I.rights_try ()', p_object.name) END;
        ELSE
            -- Arguments from a row that the planner can't fold: a strict function must be reached, too.
            v_statement := (SELECT CASE WHEN p.prokind = 'p'
                    THEN format('CALL %s.%I(%s)', v_schema, p.proname, t.nulls)
                    ELSE format('SELECT %s.%I(%s) FROM (SELECT %s OFFSET 0) v', v_schema, p.proname, t.names,
                                coalesce(t.columns, '')) END
                FROM pg_proc p CROSS JOIN LATERAL (
                    SELECT string_agg(u.variadic || 'NULL::' || format_type(u.type, NULL), ', ' ORDER BY u.ord) AS nulls,
                           string_agg(u.variadic || 'v.a' || u.ord, ', ' ORDER BY u.ord) AS names,
                           string_agg(format('NULL::%s AS a%s', format_type(u.type, NULL), u.ord), ', ' ORDER BY u.ord) AS columns
                    FROM (SELECT a.type, a.ord, CASE WHEN p.provariadic <> 0 AND a.ord = p.pronargs THEN 'VARIADIC ' ELSE '' END AS variadic
                          FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (type, ord)) u) t
                WHERE p.oid = p_object.oid);
        END IF;
        v_result := rights_test.rights_try(p_actor.role, p_actor.claims, v_statement);
        -- A function that was reached may still be denied something inside.
        CONTINUE WHEN CASE p_object.kind
            WHEN 'function' THEN v_result ~ '^denied: permission denied for schema '
                                 OR v_result IN ('denied: permission denied for function ' || p_object.name,
                                                 'denied: permission denied for procedure ' || p_object.name)
            ELSE v_result ~ '^denied' END;
        INSERT INTO rights_test.found VALUES (p_object.object, p_actor.actor, v_verb, NULL, TRUE);
    END LOOP;
END $$;

-- All objects and actors, or only these.
CREATE PROCEDURE rights_test.try_all(p_objects text[] DEFAULT NULL, p_actors text[] DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    v_object rights_test.seen;
    v_actor rights_test.actors;
    v_key jsonb;
    v_row jsonb;
BEGIN
    DELETE FROM rights_test.found;
    DELETE FROM rights_test.seen;
    INSERT INTO rights_test.seen SELECT o.*, p_objects IS NULL OR o.object = ANY (p_objects) FROM rights_test.objects o;
    FOR v_object IN SELECT * FROM rights_test.seen s WHERE s.is_tried LOOP
        SELECT r.key INTO v_key FROM rights_test.rows r WHERE r.relation = v_object.row_key;
        v_row := NULL;
        IF v_key IS NOT NULL THEN
            EXECUTE format('SELECT to_jsonb(t) FROM %s t WHERE %s', v_object.oid::regclass,
                (SELECT string_agg(format('t.%I = %L', k.key, k.value), ' AND ') FROM jsonb_each_text(v_key) k)) INTO STRICT v_row;
        END IF;
        FOR v_actor IN SELECT * FROM rights_test.actors a WHERE p_actors IS NULL OR a.actor = ANY (p_actors) LOOP
            IF v_object.kind = 'relation' THEN
                CALL rights_test.try_relation(v_object, v_actor, coalesce(v_key, '{}'), v_row);
            ELSE
                CALL rights_test.try_other(v_object, v_actor);
            END IF;
        END LOOP;
    END LOOP;
    ANALYZE rights_test.seen, rights_test.found, rights_test.expected;
END $$;

-- A right that a role has and none of its actors can use is no right, but one that nobody gave on purpose: it is told in lower
-- case. authenticated is three actors, of whom one is the owner.
CREATE VIEW rights_test.cells AS
    SELECT o.object, o.listed_as, a.actor, v.word, v.verb,
           concat(CASE WHEN f.is_real THEN v.verb WHEN f.actor IS NOT NULL AND NOT f.is_used THEN lower(v.verb) ELSE '-' END,
                  CASE WHEN f.is_real OR NOT f.is_used
                       THEN '(' || (SELECT string_agg(c, ', ' ORDER BY c) FROM unnest(f.columns) c) || ')' END) AS cell,
           row_number() OVER (ORDER BY o.kind, o.object, a.place, v.place) AS place
    FROM rights_test.seen o CROSS JOIN rights_test.actors a JOIN rights_test.verbs v ON v.kind = o.kind
    LEFT JOIN (SELECT f.*, bool_or(f.is_real) OVER (PARTITION BY f.object, x.role, f.verb) AS is_used
               FROM rights_test.found f JOIN rights_test.actors x ON x.actor = f.actor) f
           ON f.object = o.object AND f.actor = a.actor AND f.verb = v.verb
    WHERE o.is_tried;

CREATE FUNCTION rights_test.run(p_objects text[] DEFAULT NULL, p_actors text[] DEFAULT NULL) RETURNS SETOF text
LANGUAGE plpgsql SET search_path = tap, pg_catalog SET lc_messages = 'C' SET client_min_messages = error AS $$
BEGIN
    CALL rights_test.try_all(p_objects, p_actors);
    PERFORM tap.no_plan();
    RETURN QUERY SELECT tap.ok(false, d.object || ': in the database, not in the matrix')
        FROM (SELECT DISTINCT o.listed_as AS object FROM rights_test.seen o
              EXCEPT SELECT e.object FROM rights_test.expected e) d;
    RETURN QUERY SELECT tap.ok(false, d.object || ': in the matrix, not in the database')
        FROM (SELECT e.object FROM rights_test.expected e EXCEPT SELECT o.listed_as FROM rights_test.seen o) d;
    -- Who may do something with a user's rows can only be seen with rows.
    RETURN QUERY SELECT tap.ok(false, d.object || ': seed.sql says no row of it')
        FROM (SELECT DISTINCT o.object FROM rights_test.seen o JOIN rights_test.expected e ON e.object = o.listed_as
              WHERE o.kind = 'relation' AND e.cell <> '-'
                AND NOT EXISTS (SELECT FROM rights_test.rows r WHERE r.relation = o.row_key)) d;
    -- Right cells in one line per object and actor, wrong ones in a line each: pgTAP's lines are dearer than the tries.
    RETURN QUERY
        WITH judged AS MATERIALIZED (
            SELECT c.*, e.cell AS wanted, c.cell = e.cell AS is_right FROM rights_test.cells c
            JOIN rights_test.expected e ON e.object = c.listed_as AND e.actor = c.actor AND e.verb = c.verb
            WHERE p_actors IS NULL OR c.actor = ANY (p_actors)
        )
        SELECT l.line FROM (
            SELECT min(j.place) AS place, tap.ok(true, format('%s, %s: %s cells', j.object, j.actor, count(*))) AS line
            FROM judged j WHERE j.is_right GROUP BY j.object, j.actor
            UNION ALL
            SELECT j.place, tap.ok(false, format('%s, %s, %s: expected %s, got %s', j.object, j.actor, j.word, j.wanted, j.cell))
            FROM judged j WHERE NOT j.is_right) l ORDER BY l.place;
    RETURN QUERY SELECT * FROM tap.finish();
END $$;
