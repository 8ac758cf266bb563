-- What an installation was before: two tables that keep it, and what up and down files do with them. Every rollback reads
-- them, so that none drops what it did not make, and each gives back what was there. Here nothing is written down yet:
-- the base does that, for every table that it finds.
--
-- The API roles first, as their rights to all this are taken: on Supabase they are there already, on plain Postgres stand-ins
-- are made.

-- Roles belong to the whole cluster: another database's migration may make them at the same moment.
DO $$
DECLARE
    v_name text;
    v_bypass text := CASE WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
                          THEN 'BYPASSRLS' ELSE '' END;
BEGIN
    FOREACH v_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN %s', v_name,
                               CASE v_name WHEN 'service_role' THEN v_bypass ELSE '' END);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by somebody else meanwhile
            END;
        END IF;
    END LOOP;
END $$;

CREATE TABLE public.installation_before (
    relation TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    before JSONB NOT NULL,
    PRIMARY KEY (relation, kind, name)
);
COMMENT ON TABLE public.installation_before IS 'What an older installation had when it was brought forward: rollbacks drop nothing that is listed here and restore from it. Empty on a new installation, but for what the files note about privileges.';
COMMENT ON COLUMN public.installation_before.relation IS 'Table, view, index, or signature of a function, in schema public; the table''s name as it is now.';
COMMENT ON COLUMN public.installation_before.kind IS 'table, column, constraint, index, policy, function, view; renamed; renamed_index; dropped_index; unvalidated and a version: a constraint that was NOT VALID until that file; acl: who might do what; made: a stand-in that the base made.';
COMMENT ON COLUMN public.installation_before.name IS 'Name within the relation; empty for the relation itself.';
COMMENT ON COLUMN public.installation_before.before IS 'Its definition at that time; members by kind.';

CREATE TABLE public.installation_rows (
    version BIGINT NOT NULL,
    relation TEXT NOT NULL,
    row_id UUID NOT NULL,
    before JSONB NOT NULL,
    PRIMARY KEY (version, relation, row_id)
);
COMMENT ON TABLE public.installation_rows IS 'Values of an older installation''s rows that a file had to change: nothing is lost, and its rollback puts them back.';
COMMENT ON COLUMN public.installation_rows.version IS 'The file that changed the row.';
COMMENT ON COLUMN public.installation_rows.relation IS 'Table in schema public.';
COMMENT ON COLUMN public.installation_rows.row_id IS 'The row''s id.';
COMMENT ON COLUMN public.installation_rows.before IS 'Column to its value before.';

-- Nobody but who migrates reads or writes them: no policy, no grant (Supabase gives every new table to its API roles).
ALTER TABLE public.installation_before ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.installation_rows ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.installation_before, public.installation_rows FROM PUBLIC, anon, authenticated, service_role;

CREATE FUNCTION public.installation_had(p_relation text, p_kind text, p_name text DEFAULT '') RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM installation_before b
                   WHERE b.relation = p_relation AND b.kind = p_kind AND b.name = p_name)
$$;
COMMENT ON FUNCTION public.installation_had IS 'Whether the installation had it before it was brought forward.';

-- One table as it is now, column by column. A name that is no table's leaves nothing.
CREATE PROCEDURE public.installation_remember(p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_table oid := (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                    AND c.relname = p_relation AND c.relkind IN ('r', 'p'));
BEGIN
    INSERT INTO installation_before (relation, kind, name, before)
    SELECT p_relation, 'table', '', jsonb_build_object('owner', pg_get_userbyid(c.relowner), 'rls', c.relrowsecurity,
               'options', c.reloptions, 'comment', obj_description(c.oid, 'pg_class'))
    FROM pg_class c WHERE c.oid = v_table
    UNION ALL
    SELECT p_relation, 'column', a.attname, jsonb_build_object('type', format_type(a.atttypid, a.atttypmod),
               'not_null', a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid),
               'comment', col_description(a.attrelid, a.attnum))
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = v_table AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT p_relation, 'constraint', n.conname, jsonb_build_object('definition', pg_get_constraintdef(n.oid),
               'comment', obj_description(n.oid, 'pg_constraint'),
               'columns', (SELECT jsonb_agg(a.attname ORDER BY a.attname) FROM pg_attribute a
                           WHERE a.attrelid = n.conrelid AND a.attnum = ANY (n.conkey)))
    FROM pg_constraint n WHERE n.conrelid = v_table AND n.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT p_relation, 'index', c.relname, jsonb_build_object('definition', pg_get_indexdef(i.indexrelid),
               'comment', obj_description(c.oid, 'pg_class'))
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = v_table AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conindid = i.indexrelid)
    UNION ALL
    SELECT p_relation, 'policy', p.polname, jsonb_build_object('permissive', p.polpermissive, 'command',
               CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                             ELSE 'ALL' END,
               'roles', (SELECT jsonb_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r) END)
                         FROM unnest(p.polroles) r),
               'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
               'comment', obj_description(p.oid, 'pg_policy'))
    FROM pg_policy p WHERE p.polrelid = v_table;
END $$;
COMMENT ON PROCEDURE public.installation_remember IS 'Writes down a table''s definition.';

-- For rollbacks: what this installation had keeps its place and its comment, the rest goes.
CREATE PROCEDURE public.installation_drop_columns(p_relation text, VARIADIC p_columns text[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_column text;
BEGIN
    FOREACH v_column IN ARRAY p_columns LOOP
        IF installation_had(p_relation, 'column', v_column) THEN
            EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', p_relation, v_column,
                (SELECT b.before ->> 'comment' FROM installation_before b
                 WHERE b.relation = p_relation AND b.kind = 'column' AND b.name = v_column));
        ELSE
            EXECUTE format('ALTER TABLE public.%I DROP COLUMN IF EXISTS %I', p_relation, v_column);
        END IF;
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_drop_columns IS 'Drops columns, but for those that the installation had: these get their old comment back.';

-- The server prints a check on a VARCHAR in a way that, read again, is another expression of the same meaning. This
-- turns it into what reads back as it was.
CREATE FUNCTION public.installation_definition(p_printed text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT regexp_replace(p_printed, '\((\w+)\)::text (= ANY|<> ALL) \(\((ARRAY\[[^]]*\])\)::text\[\]\)',
                          '\1 \2 (\3)', 'g')
$$;
COMMENT ON FUNCTION public.installation_definition IS 'A constraint''s definition as it can be given to ALTER TABLE.';

CREATE PROCEDURE public.installation_drop_indexes(p_relation text, VARIADIC p_indexes text[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_index text;
BEGIN
    FOREACH v_index IN ARRAY p_indexes LOOP
        IF installation_had(p_relation, 'index', v_index) THEN
            EXECUTE format('COMMENT ON INDEX public.%I IS %L', v_index,
                (SELECT b.before ->> 'comment' FROM installation_before b
                 WHERE b.relation = p_relation AND b.kind = 'index' AND b.name = v_index));
        ELSE
            EXECUTE format('DROP INDEX IF EXISTS public.%I', v_index);
        END IF;
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_drop_indexes IS 'Drops indexes, but for those that the installation had.';

-- Rows made since may not fit an old rule. They stay, and the rule comes back in the nearest form. Who takes a file back is
-- told: `migrate down` reads table and rule from the warning's fields, and lets nothing else differ.
CREATE PROCEDURE public.installation_tell(p_relation text, p_rule text, p_column text, p_rows bigint, p_state text,
                                          p_remedy text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_message text := format('%s of %s %s: %s rows made since do not fit', coalesce(p_rule, p_column), p_relation,
                             p_state, p_rows);
    v_hint text := format('mend those rows, then: ALTER TABLE public.%I %s', p_relation, p_remedy)
                   || coalesce((SELECT format(' (%s, once the base is taken back)', b.before ->> 'name')
                                FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'renamed'
                                  AND b.name = ''), '');
BEGIN
    IF p_rule IS NULL THEN
        RAISE WARNING USING MESSAGE = v_message, HINT = v_hint, SCHEMA = 'public', TABLE = p_relation, COLUMN = p_column;
    ELSE
        RAISE WARNING USING MESSAGE = v_message, HINT = v_hint, SCHEMA = 'public', TABLE = p_relation, CONSTRAINT = p_rule;
    END IF;
END $$;
COMMENT ON PROCEDURE public.installation_tell IS 'For rollbacks: warns that a constraint or index (p_rule), or else a column, is not quite as it was.';

CREATE PROCEDURE public.installation_add_constraint(p_relation text, p_name text, p_definition text,
                                                    p_comment text DEFAULT NULL)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_table regclass := format('public.%I', p_relation)::regclass;
    v_rows bigint;
BEGIN
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', v_table, p_name, p_definition);
    EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', p_name, v_table, p_comment);
EXCEPTION WHEN check_violation OR foreign_key_violation THEN
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', v_table, p_name, p_definition);
    EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', p_name, v_table, p_comment);
    EXECUTE (SELECT CASE n.contype
                 WHEN 'c' THEN format('SELECT count(*) FROM %s t WHERE NOT (%s)', v_table,
                                      pg_get_expr(n.conbin, n.conrelid))
                 ELSE format('SELECT count(*) FROM %s t WHERE %s AND NOT EXISTS (SELECT FROM %s r WHERE %s)', v_table,
                             string_agg(format('t.%I IS NOT NULL', a.attname), ' AND '), n.confrelid::regclass,
                             string_agg(format('r.%s = t.%I', quote_ident(f.attname), a.attname), ' AND ')) END
             FROM pg_constraint n CROSS JOIN LATERAL unnest(n.conkey, n.confkey) k (column_no, other_no)
             JOIN pg_attribute a ON a.attrelid = n.conrelid AND a.attnum = k.column_no
             LEFT JOIN pg_attribute f ON f.attrelid = n.confrelid AND f.attnum = k.other_no
             WHERE n.conrelid = v_table AND n.conname = p_name
             GROUP BY n.contype, n.conbin, n.conrelid, n.confrelid) INTO v_rows;
    CALL installation_tell(p_relation, p_name, NULL, v_rows, 'is NOT VALID', format('VALIDATE CONSTRAINT %I', p_name));
WHEN unique_violation THEN
    EXECUTE format('SELECT sum(copies) FROM (SELECT count(*) AS copies FROM %s WHERE num_nulls(%s) = 0 GROUP BY %2$s
                                             HAVING count(*) > 1) d', v_table,
                   substring(p_definition FROM '\((.*?)\)')) INTO v_rows;
    CALL installation_tell(p_relation, p_name, NULL, v_rows, 'is left out',
                           format('ADD CONSTRAINT %I %s', p_name, p_definition));
END $$;
COMMENT ON PROCEDURE public.installation_add_constraint IS 'For rollbacks: adds a constraint; one that rows do not fit is NOT VALID, a unique one is left out, and a warning says so.';

CREATE PROCEDURE public.installation_set_not_null(p_relation text, p_column text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_rows bigint;
BEGIN
    EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I SET NOT NULL', p_relation, p_column);
EXCEPTION WHEN not_null_violation THEN
    EXECUTE format('SELECT count(*) FROM public.%I WHERE %I IS NULL', p_relation, p_column) INTO v_rows;
    CALL installation_tell(p_relation, NULL, p_column, v_rows, 'stays nullable',
                           format('ALTER COLUMN %I SET NOT NULL', p_column));
END $$;
COMMENT ON PROCEDURE public.installation_set_not_null IS 'For rollbacks: NOT NULL again; where rows have none, the column stays nullable, and a warning says so.';

CREATE PROCEDURE public.installation_restore_index(p_relation text, p_name text, p_definition text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_rows bigint;
BEGIN
    EXECUTE p_definition;
EXCEPTION WHEN unique_violation THEN
    -- Built once more as what finds the rows: any expression, order or condition may be in the definition.
    EXECUTE regexp_replace(p_definition, '^CREATE UNIQUE INDEX ', 'CREATE INDEX ');
    EXECUTE (SELECT format('SELECT sum(copies) FROM (SELECT count(*) AS copies FROM %s WHERE %s AND num_nulls(%s) = 0
                                                     GROUP BY %3$s HAVING count(*) > 1) d',
                           i.indrelid::regclass, coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
                           string_agg(pg_get_indexdef(i.indexrelid, n, false), ', ' ORDER BY n))
             FROM pg_index i CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) n
             WHERE i.indexrelid = format('public.%I', p_name)::regclass
             GROUP BY i.indexrelid, i.indrelid, i.indpred) INTO v_rows;
    EXECUTE format('DROP INDEX public.%I', p_name);
    RAISE WARNING USING MESSAGE = format('%s of %s is left out: %s rows made since do not fit', p_name, p_relation, v_rows),
        HINT = format('mend those rows, then: %s', p_definition), SCHEMA = 'public', TABLE = p_relation, CONSTRAINT = p_name;
END $$;
COMMENT ON PROCEDURE public.installation_restore_index IS 'For rollbacks: makes an index again; a unique one that rows do not fit is left out, and a warning says so.';

-- Constraints whose columns are exactly these: those of the installation come back, others go. A row that does not
-- fit an old constraint any more stays (installation_add_constraint).
CREATE PROCEDURE public.installation_restore_constraints(p_relation text, VARIADIC p_columns text[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_columns jsonb := (SELECT jsonb_agg(c ORDER BY c) FROM unnest(p_columns) c);
    v_constraint record;
BEGIN
    FOR v_constraint IN
        SELECT n.conname AS name, NULL AS definition, NULL AS comment
        FROM pg_constraint n
        WHERE n.conrelid = format('public.%I', p_relation)::regclass AND n.contype IN ('c', 'f', 'u')
          AND v_columns = (SELECT jsonb_agg(a.attname ORDER BY a.attname) FROM pg_attribute a
                           WHERE a.attrelid = n.conrelid AND a.attnum = ANY (n.conkey))
          AND NOT EXISTS (SELECT FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'constraint'
                          AND b.name = n.conname AND b.before ->> 'definition' = pg_get_constraintdef(n.oid))
        UNION ALL
        SELECT b.name, b.before ->> 'definition', b.before ->> 'comment'
        FROM installation_before b
        WHERE b.relation = p_relation AND b.kind = 'constraint' AND b.before -> 'columns' = v_columns
          AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = format('public.%I', p_relation)::regclass
                          AND n.conname = b.name AND pg_get_constraintdef(n.oid) = b.before ->> 'definition')
        ORDER BY 2 NULLS FIRST
    LOOP
        IF v_constraint.definition IS NULL THEN
            EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT %I', p_relation, v_constraint.name);
        ELSE
            CALL installation_add_constraint(p_relation, v_constraint.name,
                                             installation_definition(v_constraint.definition), v_constraint.comment);
        END IF;
    END LOOP;
    -- One that is the same as ours stayed in its place, under our comment.
    FOR v_constraint IN
        SELECT n.conname AS name, b.before ->> 'comment' AS comment
        FROM installation_before b
        JOIN pg_constraint n ON n.conrelid = format('public.%I', p_relation)::regclass AND n.conname = b.name
        WHERE b.relation = p_relation AND b.kind = 'constraint' AND b.before -> 'columns' = v_columns
          AND obj_description(n.oid, 'pg_constraint') IS DISTINCT FROM b.before ->> 'comment'
    LOOP
        EXECUTE format('COMMENT ON CONSTRAINT %I ON public.%I IS %L', v_constraint.name, p_relation,
                       v_constraint.comment);
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_restore_constraints IS 'Gives the constraints on exactly these columns back as the installation had them.';

CREATE FUNCTION public.installation_takes(p_relation text, p_column text, p_word text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_check record;
    v_takes boolean;
BEGIN
    FOR v_check IN
        SELECT substring(b.before ->> 'definition' FROM '^CHECK \((.*)\)') AS condition
        FROM installation_before b
        WHERE b.relation = p_relation AND b.kind = 'constraint' AND b.before -> 'columns' = jsonb_build_array(p_column)
          AND b.before ->> 'definition' LIKE 'CHECK %'
    LOOP
        EXECUTE format('SELECT %s FROM (VALUES (%L::text)) t (%I)', v_check.condition, p_word, p_column) INTO v_takes;
        IF NOT v_takes THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN installation_had(p_relation, 'column', p_column);
END $$;
COMMENT ON FUNCTION public.installation_takes IS 'For rollbacks: whether the installation had the column, and its own checks there let the word in.';

-- Not VALIDATEd here, so that nothing is read under a lock.
CREATE PROCEDURE public.installation_rule(p_relation text, p_column text, p_name text, p_definition text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_table regclass := format('public.%I', p_relation)::regclass;
    v_is_there boolean := false;
    v_constraint record;
BEGIN
    FOR v_constraint IN
        SELECT n.conname AS name, n.conname = p_name AND pg_get_constraintdef(n.oid) = p_definition AS is_ours
        FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid AND n.conkey = ARRAY[a.attnum]
        WHERE n.conrelid = v_table AND a.attname = p_column
          AND n.contype = CASE WHEN p_definition LIKE 'CHECK %' THEN 'c'::"char" ELSE 'f'::"char" END
    LOOP
        IF v_constraint.is_ours THEN
            v_is_there := true;
        ELSE
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', v_table, v_constraint.name);
        END IF;
    END LOOP;
    IF NOT v_is_there THEN
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', v_table, p_name, p_definition);
    END IF;
END $$;
COMMENT ON PROCEDURE public.installation_rule IS 'A check or foreign key on one column becomes ours, whatever the installation had there; NOT VALID unless it is the same, as the server prints it. The rollback restores the column''s constraints.';

-- One that old rows break stays NOT VALID.
CREATE PROCEDURE public.installation_small_rule(p_relation text, p_column text, p_name text, p_definition text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    CALL installation_rule(p_relation, p_column, p_name, p_definition);
    EXECUTE format('ALTER TABLE public.%I VALIDATE CONSTRAINT %I', p_relation, p_name);
EXCEPTION WHEN check_violation OR foreign_key_violation THEN
    CALL installation_rule(p_relation, p_column, p_name, p_definition);
    RAISE WARNING 'constraint % of % stays NOT VALID: old rows do not fit it', p_name, p_relation;
END $$;
COMMENT ON PROCEDURE public.installation_small_rule IS 'installation_rule, validated at once: for tables with a handful of rows per user.';

-- Views of our names; their columns' types could not change under them either.
CREATE PROCEDURE public.installation_drop_views(VARIADIC p_views text[])
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_view record;
BEGIN
    FOR v_view IN
        SELECT c.oid, c.relname AS name, c.relowner, c.relacl, c.reloptions
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND c.relname = ANY (p_views)
    LOOP
        INSERT INTO installation_before (relation, kind, name, before)
        VALUES (v_view.name, 'view', '', jsonb_build_object('definition', pg_get_viewdef(v_view.oid),
            'owner', pg_get_userbyid(v_view.relowner), 'options', v_view.reloptions,
            'comment', obj_description(v_view.oid, 'pg_class'),
            'columns', (SELECT jsonb_object_agg(a.attname, col_description(a.attrelid, a.attnum))
                        FROM pg_attribute a WHERE a.attrelid = v_view.oid AND a.attnum > 0),
            'triggers', (SELECT jsonb_agg(pg_get_triggerdef(t.oid)) FROM pg_trigger t WHERE t.tgrelid = v_view.oid),
            'grants', (SELECT jsonb_agg(jsonb_build_object(
                           'grantee', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
                           'privilege', x.privilege_type || coalesce('(' || quote_ident(g.attname) || ')', ''),
                           'grantable', x.is_grantable))
                       FROM (SELECT NULL AS attname, v_view.relacl AS acl UNION ALL
                             SELECT a.attname, a.attacl FROM pg_attribute a WHERE a.attrelid = v_view.oid) g
                       CROSS JOIN LATERAL aclexplode(g.acl) x WHERE x.grantee <> v_view.relowner)));
        EXECUTE format('DROP VIEW public.%I', v_view.name);
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_drop_views IS 'Drops the views of these names that the installation has, and writes them down.';

CREATE PROCEDURE public.installation_restore_views()
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_view record;
    v_detail record;
BEGIN
    FOR v_view IN SELECT b.relation AS name, b.before FROM installation_before b WHERE b.kind = 'view' LOOP
        EXECUTE format('CREATE VIEW public.%I%s AS %s', v_view.name,
            (SELECT ' WITH (' || string_agg(format('%I = %L', split_part(o, '=', 1), split_part(o, '=', 2)), ', ') || ')'
             FROM jsonb_array_elements_text(nullif(v_view.before -> 'options', 'null')) o), v_view.before ->> 'definition');
        EXECUTE format('COMMENT ON VIEW public.%I IS %L', v_view.name, v_view.before ->> 'comment');
        FOR v_detail IN SELECT c.key, c.value FROM jsonb_each_text(v_view.before -> 'columns') c LOOP
            EXECUTE format('COMMENT ON COLUMN public.%I.%I IS %L', v_view.name, v_detail.key, v_detail.value);
        END LOOP;
        FOR v_detail IN SELECT t FROM jsonb_array_elements_text(nullif(v_view.before -> 'triggers', 'null')) t LOOP
            EXECUTE v_detail.t;
        END LOOP;
        -- What the platform gives to every new relation goes first.
        FOR v_detail IN
            SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS grantee
            FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
            WHERE c.oid = format('public.%I', v_view.name)::regclass AND x.grantee <> c.relowner
        LOOP
            EXECUTE format('REVOKE ALL ON public.%I FROM %s', v_view.name, v_detail.grantee);
        END LOOP;
        IF v_view.before ->> 'owner' <> current_user THEN
            EXECUTE format('ALTER VIEW public.%I OWNER TO %I', v_view.name, v_view.before ->> 'owner');
        END IF;
        FOR v_detail IN
            SELECT g ->> 'privilege' AS privilege, g ->> 'grantee' AS grantee, (g ->> 'grantable')::boolean AS is_grantable
            FROM jsonb_array_elements(nullif(v_view.before -> 'grants', 'null')) g
        LOOP
            EXECUTE format('GRANT %s ON public.%I TO %s%s', v_detail.privilege, v_view.name, v_detail.grantee,
                           CASE WHEN v_detail.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
        END LOOP;
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_restore_views IS 'Makes the views again that installation_drop_views took.';

CREATE PROCEDURE public.installation_restore_options(p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_options text := (SELECT string_agg(quote_ident(split_part(o, '=', 1)), ', ')
                       FROM pg_class c CROSS JOIN LATERAL unnest(c.reloptions) o
                       WHERE c.oid = format('public.%I', p_relation)::regclass);
BEGIN
    IF v_options IS NOT NULL THEN
        EXECUTE format('ALTER TABLE public.%I RESET (%s)', p_relation, v_options);
    END IF;
    SELECT string_agg(format('%I = %L', split_part(o, '=', 1), split_part(o, '=', 2)), ', ') INTO v_options
    FROM installation_before b CROSS JOIN LATERAL jsonb_array_elements_text(nullif(b.before -> 'options', 'null')) o
    WHERE b.relation = p_relation AND b.kind = 'table';
    IF v_options IS NOT NULL THEN
        EXECUTE format('ALTER TABLE public.%I SET (%s)', p_relation, v_options);
    END IF;
END $$;
COMMENT ON PROCEDURE public.installation_restore_options IS 'Gives a table''s storage settings back: the installation''s, or none.';

-- Constraints that were added NOT VALID are looked at without keeping writers away. One that old rows break stays
-- NOT VALID: new rows obey it, `migrate verify` names it, and the upgrade goes on.
CREATE PROCEDURE public.installation_validate(p_version bigint, p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN SELECT n.conname FROM pg_constraint n
                  WHERE n.conrelid = format('public.%I', p_relation)::regclass AND NOT n.convalidated
                  ORDER BY n.conname LOOP
        BEGIN
            EXECUTE format('ALTER TABLE public.%I VALIDATE CONSTRAINT %I', p_relation, v_name);
            INSERT INTO installation_before (relation, kind, name, before)
            VALUES (p_relation, 'unvalidated ' || p_version, v_name, '{}') ON CONFLICT DO NOTHING;
        EXCEPTION WHEN check_violation OR foreign_key_violation THEN
            RAISE WARNING 'constraint % of % stays NOT VALID: old rows do not fit it', v_name, p_relation;
        END;
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_validate IS 'Validates a table''s NOT VALID constraints and notes which.';

CREATE PROCEDURE public.installation_unvalidate(p_version bigint, p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_constraint record;
BEGIN
    FOR v_constraint IN
        SELECT n.conname AS name, pg_get_constraintdef(n.oid) AS definition, obj_description(n.oid, 'pg_constraint') AS comment
        FROM installation_before b
        JOIN pg_constraint n ON n.conrelid = format('public.%I', p_relation)::regclass AND n.conname = b.name
        WHERE b.relation = p_relation AND b.kind = 'unvalidated ' || p_version
    LOOP
        EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT %I, ADD CONSTRAINT %I %s NOT VALID', p_relation,
                       v_constraint.name, v_constraint.name, installation_definition(v_constraint.definition));
        EXECUTE format('COMMENT ON CONSTRAINT %I ON public.%I IS %L', v_constraint.name, p_relation,
                       v_constraint.comment);
    END LOOP;
    DELETE FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'unvalidated ' || p_version;
END $$;
COMMENT ON PROCEDURE public.installation_unvalidate IS 'Makes NOT VALID again what installation_validate validated for a file.';

-- An installation's own policies are wider than anybody remembers, and policies add up: they are put aside.
CREATE PROCEDURE public.installation_drop_policies(p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN SELECT b.name FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'policy' LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON public.%I', v_name, p_relation);
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_drop_policies IS 'Drops the policies that the installation had on a table.';

CREATE PROCEDURE public.installation_restore_policies(p_relation text)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_policy record;
BEGIN
    FOR v_policy IN
        SELECT b.name, b.before ->> 'command' AS command, (b.before ->> 'permissive')::boolean AS permissive,
               b.before ->> 'using' AS condition, b.before ->> 'check' AS check_on, b.before ->> 'comment' AS comment,
               (SELECT string_agg(CASE r WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(r) END, ', ')
                FROM jsonb_array_elements_text(b.before -> 'roles') r) AS roles
        FROM installation_before b WHERE b.relation = p_relation AND b.kind = 'policy'
    LOOP
        EXECUTE format('CREATE POLICY %I ON public.%I AS %s FOR %s TO %s%s%s', v_policy.name, p_relation,
            CASE WHEN v_policy.permissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END, v_policy.command, v_policy.roles,
            ' USING (' || v_policy.condition || ')', ' WITH CHECK (' || v_policy.check_on || ')');
        EXECUTE format('COMMENT ON POLICY %I ON public.%I IS %L', v_policy.name, p_relation, v_policy.comment);
    END LOOP;
END $$;
COMMENT ON PROCEDURE public.installation_restore_policies IS 'Puts back what installation_drop_policies took.';

REVOKE ALL ON FUNCTION public.installation_had, public.installation_definition, public.installation_takes FROM PUBLIC, anon, authenticated, service_role;
REVOKE ALL ON PROCEDURE public.installation_remember, public.installation_drop_columns,
    public.installation_drop_indexes, public.installation_tell, public.installation_add_constraint,
    public.installation_set_not_null, public.installation_restore_index, public.installation_restore_constraints,
    public.installation_validate,
    public.installation_restore_options, public.installation_unvalidate, public.installation_drop_policies,
    public.installation_restore_policies, public.installation_rule, public.installation_small_rule,
    public.installation_drop_views, public.installation_restore_views
    FROM PUBLIC, anon, authenticated, service_role;
