-- The nine types hold for old rows, too.

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('trades', 'trades_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('trades', 'trades_type_check', 'CHECK ((type = ANY (ARRAY[''buy''::text, ''sell''::text])))'),
    ('jobs', 'jobs_user_id_fkey', 'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'),
    ('jobs', 'jobs_agent_id_fkey', 'FOREIGN KEY (agent_id) REFERENCES mt5_agents(id)'),
    ('jobs', 'jobs_job_type_check', 'CHECK (((job_type)::text = ANY (ARRAY[''compile''::text, ''deploy''::text, ''run''::text, ''stop''::text, ''trade''::text, ''get_positions''::text, ''get_account''::text, ''get_candles''::text, ''close_position''::text])))'),
    ('tv_signals', 'tv_signals_status_check', 'CHECK ((status = ANY (ARRAY[''pending''::text, ''executed''::text, ''failed''::text, ''discarded''::text])))')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('tv_signals_user_idx', 'tv_signals USING btree (user_id, created_at DESC)'),
    ('tv_signals_strategy_idx', 'tv_signals USING btree (strategy_id) WHERE (strategy_id IS NOT NULL)')
) w (name, expected);
