-- Every object of the schema: one row each, in the order of kind and identity.
--   kind, identity, parent   text; parent is '' where the object is part of no other
--   digest                   <server's major version>.<md5 of the definition>
--   has_rows                 tables: whether the storage is not empty (of any partition); else false
-- Parameter: none. catalog.c sets search_path and whatever else a definition's text depends on.
--
-- What is looked at: schema public, and of schema auth what belongs to the history table's owner: the stand-ins that
-- the base makes on plain Postgres. On Supabase that schema is another's and changes by itself.
-- What is not: the history table, members of extensions, temporary objects, and partitions with all that hangs on
-- them. Partitions come and go with time, so they are data; their table's definition is in their partitioned table.
-- Not known: operators, casts, text search objects, extended statistics, foreign servers, event triggers, publications.
--
-- A definition holds no oid, no position of a column, and no name of a role but owners and grantees.
-- It is the same after a dump was restored. Two things are printed otherwise then, and read here as they are then:
--   VARCHAR IN ('a', 'b')      (ARRAY['a'::character varying, …])::text[], then ARRAY[('a'::character varying)::text, …]
--   x BETWEEN 1 AND 2 AND y    (((x >= 1) AND (x <= 2)) AND y), then ((x >= 1) AND (x <= 2) AND y)
WITH maker AS MATERIALIZED (
    SELECT to_regclass('public.tradewire_migrations') AS history,
           coalesce((SELECT relowner FROM pg_class WHERE oid = to_regclass('public.tradewire_migrations')),
                    (SELECT oid FROM pg_roles WHERE rolname = current_user)) AS role
), members AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), schemas AS MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl, CASE n.nspname WHEN 'auth' THEN m.role END AS only_owner
    FROM pg_namespace n CROSS JOIN maker m
    WHERE n.nspname = 'public' OR (n.nspname = 'auth' AND n.nspowner = m.role)
), relations AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relname, n.nspname, format('%I.%I', n.nspname, c.relname) AS identity, c.relowner,
           pg_get_userbyid(c.relowner) AS owner, c.relacl, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
           c.relreplident, c.relam,
           (SELECT string_agg(o, ',' ORDER BY o COLLATE "C") FROM unnest(c.reloptions) o) AS options,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END AS word
    FROM pg_class c JOIN schemas n ON n.oid = c.relnamespace CROSS JOIN maker m
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND c.oid IS DISTINCT FROM m.history AND c.relowner = coalesce(n.only_owner, c.relowner)
      AND NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
), functions AS MATERIALIZED (
    SELECT p.oid, p.prokind, p.oid::regprocedure::text AS identity, p.proowner,
           pg_get_userbyid(p.proowner) AS owner, p.proacl
    FROM pg_proc p JOIN schemas n ON n.oid = p.pronamespace
    WHERE p.proowner = coalesce(n.only_owner, p.proowner)
      AND NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
), types AS MATERIALIZED (
    SELECT t.oid, t.typtype, format('%I.%I', n.nspname, t.typname) AS identity, t.typowner,
           pg_get_userbyid(t.typowner) AS owner, t.typacl, t.typrelid, t.typbasetype, t.typtypmod, t.typnotnull,
           t.typdefault, CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'type' END AS word
    FROM pg_type t JOIN schemas n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
      AND t.typowner = coalesce(n.only_owner, t.typowner)
      AND NOT EXISTS (SELECT FROM members e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
), sequence_columns AS MATERIALIZED (
    -- Which column a sequence belongs to; deptype i: it is an identity column's and part of that column.
    SELECT r.oid, d.refobjid, d.refobjsubid, d.deptype,
           concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
                     s.seqcycle) AS numbers
    FROM relations r JOIN pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0
                         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    WHERE r.relkind = 'S'
), objects (kind, identity, parent, definition, classid, objid, has_rows) AS MATERIALIZED (
    -- text: the first SELECT decides for all, and type name would cut every definition after 63 bytes.
    SELECT 'schema', quote_ident(nspname), '', pg_get_userbyid(nspowner)::text, 'pg_namespace'::regclass, oid, false
    FROM schemas
UNION ALL
    SELECT 'table', r.identity, '',
           concat_ws(' ', r.relkind, r.relpersistence, r.owner, r.relrowsecurity, r.relforcerowsecurity, r.relreplident,
                     r.options, a.amname, pg_get_partkeydef(r.oid),
                     (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
                      FROM pg_inherits i WHERE i.inhrelid = r.oid)),
           'pg_class'::regclass, r.oid,
           CASE r.relkind
               WHEN 'r' THEN pg_relation_size(r.oid) > 0
               WHEN 'p' THEN EXISTS (SELECT FROM pg_partition_tree(r.oid) t
                                     WHERE t.isleaf AND pg_relation_size(t.relid) > 0)
               ELSE false END
    FROM relations r LEFT JOIN pg_am a ON a.oid = r.relam
    WHERE r.word = 'table'
UNION ALL
    -- Of the options only those that people set (n_distinct, n_distinct_inherited): Debian's 15.20 keeps a mark of its
    -- own there, pg_attver, which every ALTER TABLE changes in several columns at once.
    -- Storage and statistics count where somebody set them. classid 0: comments on columns are looked up apart,
    -- because those of views have no row here.
    SELECT 'column', format('%s.%I', r.identity, a.attname), r.identity,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                     CASE WHEN a.attcollation <> t.typcollation
                          THEN (SELECT format('collate %I.%I', n.nspname, l.collname)
                                FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
                                WHERE l.oid = a.attcollation) END,
                     CASE WHEN a.attgenerated <> '' THEN format('generated %s', a.attgenerated) END,
                     'default ' || pg_get_expr(d.adbin, d.adrelid),
                     CASE WHEN a.attidentity <> '' THEN format('identity %s %s', a.attidentity, s.numbers) END,
                     CASE WHEN a.attstorage <> t.typstorage THEN format('storage %s', a.attstorage) END,
                     CASE WHEN a.attcompression <> '' THEN format('compression %s', a.attcompression) END,
                     CASE WHEN a.attstattarget > -1 THEN 'statistics ' || a.attstattarget END,
                     (SELECT string_agg(o, ',' ORDER BY o COLLATE "C") FROM unnest(a.attoptions) o
                      WHERE o LIKE 'n\_distinct%')),
           0, 0, false
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN sequence_columns s ON s.refobjid = a.attrelid AND s.refobjsubid = a.attnum AND s.deptype = 'i'
    WHERE r.word = 'table'
UNION ALL
    -- A key's index is part of the key. NOT NULL is the column's, a constraint trigger a trigger.
    SELECT 'constraint', format('%s.%I', r.identity, c.conname), r.identity,
           concat_ws(' ', pg_get_constraintdef(c.oid), c.convalidated,
                     CASE WHEN c.contype IN ('p', 'u', 'x') THEN pg_get_indexdef(c.conindid) END, i.indisvalid),
           'pg_constraint'::regclass, c.oid, false
    FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype NOT IN ('n', 't')
    LEFT JOIN pg_index i ON i.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x')
UNION ALL
    SELECT 'index', format('%I.%I', r.nspname, c.relname), r.identity,
           concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident),
           'pg_class'::regclass, i.indexrelid, false
    FROM relations r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid
                                                    AND k.contype IN ('p', 'u', 'x'))
UNION ALL
    SELECT 'trigger', format('%s.%I', r.identity, t.tgname), r.identity,
           concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled), 'pg_trigger'::regclass, t.oid, false
    FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
UNION ALL
    SELECT 'policy', format('%s.%I', r.identity, p.polname), r.identity,
           concat_ws(' ', p.polcmd, p.polpermissive,
                     (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ','
                                        ORDER BY pg_get_userbyid(o)) FROM unnest(p.polroles) o),
                     'using ' || pg_get_expr(p.polqual, p.polrelid),
                     'check ' || pg_get_expr(p.polwithcheck, p.polrelid)),
           'pg_policy'::regclass, p.oid, false
    FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
UNION ALL
    SELECT 'rule', format('%s.%I', r.identity, w.rulename), r.identity,
           concat_ws(' ', pg_get_ruledef(w.oid), w.ev_enabled), 'pg_rewrite'::regclass, w.oid, false
    FROM relations r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
UNION ALL
    SELECT 'view', r.identity, '', concat_ws(' ', r.relkind, r.owner, r.options, pg_get_viewdef(r.oid)),
           'pg_class'::regclass, r.oid, false
    FROM relations r WHERE r.word = 'view'
UNION ALL
    SELECT 'sequence', r.identity, coalesce(t.identity, ''), concat_ws(' ', r.relpersistence, r.owner, s.numbers),
           'pg_class'::regclass, r.oid, false
    FROM relations r JOIN sequence_columns s ON s.oid = r.oid LEFT JOIN relations t ON t.oid = s.refobjid
    WHERE s.deptype IS DISTINCT FROM 'i'
UNION ALL
    SELECT 'function', f.identity, '',
           concat_ws(' ', f.owner, CASE WHEN f.prokind <> 'a' THEN pg_get_functiondef(f.oid) END,
                     a.aggtransfn, a.aggfinalfn, a.aggcombinefn, format_type(a.aggtranstype, NULL), a.agginitval),
           'pg_proc'::regclass, f.oid, false
    FROM functions f LEFT JOIN pg_aggregate a ON a.aggfnoid = f.oid
UNION ALL
    SELECT t.word, t.identity, '',
           concat_ws(' ', t.owner,
                     (SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder)
                      FROM pg_enum e WHERE e.enumtypid = t.oid),
                     CASE t.typtype WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                                                            t.typnotnull, t.typdefault) END,
                     (SELECT string_agg(concat_ws(' ', quote_ident(k.conname), pg_get_constraintdef(k.oid)), ','
                                        ORDER BY k.conname COLLATE "C")
                      FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
                     (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ','
                                        ORDER BY a.attnum)
                      FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
                     (SELECT format_type(g.rngsubtype, NULL) FROM pg_range g WHERE g.rngtypid = t.oid)),
           'pg_type'::regclass, t.oid, false
    FROM types t
), grants (object, parent, owner, acl, part) AS (
    -- Who may do what, whoever granted it: one row per object, its columns included.
    SELECT format('%s %s', r.word, r.identity), r.identity, r.relowner,
           coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, r.relowner)), NULL
    FROM relations r
UNION ALL
    SELECT format('%s %s', r.word, r.identity), r.identity, r.relowner, a.attacl, quote_ident(a.attname)
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
UNION ALL
    SELECT 'function ' || f.identity, f.identity, f.proowner, coalesce(f.proacl, acldefault('f', f.proowner)), NULL
    FROM functions f
UNION ALL
    -- PUBLIC may use every type unless that was taken away: no row either.
    SELECT format('%s %s', t.word, t.identity), t.identity, t.typowner, t.typacl, NULL
    FROM types t WHERE t.typacl IS NOT NULL
), granted AS (
    SELECT g.object, g.parent,
           string_agg(DISTINCT concat_ws(' ', g.part,
                          CASE WHEN e.grantee = 0 THEN 'PUBLIC' WHEN e.grantee = g.owner THEN 'OWNER'
                               ELSE quote_ident(pg_get_userbyid(e.grantee)) END,
                          e.privilege_type, CASE WHEN e.is_grantable THEN 'grantable' END) COLLATE "C", ',') AS entries,
           bool_or(e.grantee <> g.owner) AS others,
           count(*) FILTER (WHERE e.grantee = g.owner AND g.part IS NULL) AS owners, max(g.owner) AS owner,
           split_part(g.object, ' ', 1) AS word
    FROM grants g LEFT JOIN LATERAL aclexplode(g.acl) e ON true
    GROUP BY g.object, g.parent
), owner_rights AS MATERIALIZED (
    SELECT w.word, (SELECT count(*) FROM aclexplode(acldefault(w.type, 10)) e WHERE e.grantee = 10) AS full_count
    FROM (VALUES ('table', 'r'::"char"), ('view', 'r'), ('sequence', 's'), ('function', 'f'), ('type', 'T'),
                 ('enum', 'T'), ('domain', 'T')) w (word, type)
), parts (kind, identity, parent, definition, has_rows) AS (
    SELECT kind, identity, parent, definition, has_rows FROM objects
UNION ALL
    -- An owner that may do everything and nobody else: as after CREATE, and no row.
    SELECT 'grant', g.object, g.parent, g.entries, false
    FROM granted g JOIN owner_rights o USING (word)
    WHERE CASE WHEN g.word IN ('type', 'enum', 'domain') THEN g.entries <> 'OWNER USAGE,PUBLIC USAGE'
               ELSE g.others IS TRUE OR g.owners <> o.full_count END
UNION ALL
    -- Schemas are shared with others: one row per grantee, so that another's grant is another's row.
    SELECT 'grant', format('schema %I to %s', s.nspname,
                           CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END), '',
           string_agg(DISTINCT concat_ws(' ', e.privilege_type, CASE WHEN e.is_grantable THEN 'grantable' END)
                      COLLATE "C", ','), false
    FROM schemas s CROSS JOIN LATERAL aclexplode(coalesce(s.nspacl, acldefault('n', s.nspowner))) e
    WHERE e.grantee <> s.nspowner
    GROUP BY s.nspname, e.grantee
UNION ALL
    SELECT 'comment', format('%s %s', o.kind, o.identity), coalesce(nullif(o.parent, ''), o.identity), d.description,
           false
    FROM objects o JOIN pg_description d ON d.classoid = o.classid AND d.objoid = o.objid AND d.objsubid = 0
UNION ALL
    SELECT 'comment', format('column %s.%I', r.identity, a.attname), r.identity, d.description, false
    FROM relations r JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = r.oid AND d.objsubid > 0
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.objsubid AND NOT a.attisdropped
UNION ALL
    SELECT 'default_privilege',
           concat_ws(' ', 'tradewire_owner',
                     CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                          WHEN 'T' THEN 'types' ELSE 'schemas' END,
                     (SELECT format('in %I', n.nspname) FROM pg_namespace n WHERE n.oid = d.defaclnamespace)), '',
           (SELECT string_agg(concat_ws(' ', CASE e.grantee WHEN 0 THEN 'PUBLIC'
                                             ELSE quote_ident(pg_get_userbyid(e.grantee)) END, e.privilege_type,
                                        CASE WHEN e.is_grantable THEN 'grantable' END) COLLATE "C", ','
                              ORDER BY e.grantee = 0, pg_get_userbyid(e.grantee), e.privilege_type)
            FROM aclexplode(d.defaclacl) e), false
    FROM pg_default_acl d WHERE d.defaclrole = to_regrole('tradewire_owner')
)
SELECT kind, identity, parent,
       concat(current_setting('server_version_num')::int / 10000, '.', md5(coalesce(w.text, ''))) AS digest, has_rows
FROM parts
CROSS JOIN LATERAL (
    SELECT CASE WHEN strpos(definition, '::character varying') > 0
                THEN regexp_replace(regexp_replace(definition, format('\(ARRAY\[(%1$s(, %1$s)*)\]\)::text\[\]', c.word),
                                                   'ARRAY[\1]', 'g'),
                                    format('\((%s)\)::text', c.word), '\1', 'g')
                ELSE definition END AS text
    -- A constant: E may stand before it, a quote in it is doubled.
    FROM (SELECT '(?:E?''(?:[^'']|'''')*''|NULL)::character varying(?:\(\d+\))?' AS word) c
) v CROSS JOIN LATERAL (
    -- Not in a function's own words, where NOT may stand before it.
    SELECT CASE WHEN kind NOT IN ('function', 'comment') AND strpos(v.text, ')) AND ') > 0
                THEN regexp_replace(v.text, format('\((\(%1$s >= %1$s\) AND \(%1$s <= %1$s\))\) AND ', c.side), '\1 AND ', 'g')
                ELSE v.text END AS text
    FROM (SELECT '(?:[^()]|\([^()]*\))+' AS side) c
) w
ORDER BY kind COLLATE "C", identity COLLATE "C"
