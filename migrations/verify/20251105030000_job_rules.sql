-- What holds for every job, and the ways to find one.

-- Keys and checks.
SELECT format('constraint %s of %s', w.name, w.relation) AS object, w.expected,
       (SELECT regexp_replace(pg_get_constraintdef(n.oid), '\mpublic\.', '', 'g')
         FROM pg_constraint n WHERE n.conrelid = to_regclass(format('public.%I', w.relation)) AND n.conname = w.name) AS found
FROM (VALUES
    ('jobs', 'jobs_status_check', 'CHECK (((status)::text = ANY (ARRAY[''pending''::text, ''claimed''::text, ''unknown''::text, ''completed''::text, ''failed''::text, ''cancelled''::text, ''expired''::text])))'),
    ('jobs', 'jobs_lane_check', 'CHECK ((lane = job_lane((job_type)::text)))'),
    ('jobs', 'jobs_open_effect_check', 'CHECK (((lane <> 1) OR ((status)::text <> ALL (ARRAY[''pending''::text, ''claimed''::text, ''unknown''::text])) OR ((expires_at IS NOT NULL) AND (target_agent_id IS NOT NULL))))'),
    ('jobs', 'jobs_unknown_check', 'CHECK ((((status)::text <> ''unknown''::text) OR (lane = 1)))'),
    ('jobs', 'jobs_traceparent_check', 'CHECK ((traceparent ~ ''^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$''::text))'),
    ('jobs', 'jobs_target_agent_fkey', 'FOREIGN KEY (target_agent_id, user_id) REFERENCES mt5_agents(id, user_id)')
) w (relation, name, expected);

-- Indexes: what they cover.
SELECT 'index ' || w.name AS object, w.expected,
       (SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?(public\.)?', '\1')
                || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
         FROM pg_index i WHERE i.indexrelid = to_regclass(format('public.%I', w.name))) AS found
FROM (VALUES
    ('jobs_user_idx', 'jobs USING btree (user_id, created_at DESC)'),
    ('jobs_signal_idx', 'jobs USING btree (signal_id) WHERE (signal_id IS NOT NULL)'),
    ('jobs_target_idx', 'jobs USING btree (target_agent_id, seq) WHERE (target_agent_id IS NOT NULL)'),
    ('jobs_close_idx', 'jobs USING btree (strategy_id, seq) WHERE (((job_type)::text = ''close_position''::text) AND (strategy_id IS NOT NULL))')
) w (name, expected);
