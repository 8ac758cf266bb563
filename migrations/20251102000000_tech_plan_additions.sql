-- migrate:contract
-- What the first document asks for: pairing of agents, jobs that are claimed, strategies and signals.
-- Later files widen these objects; nothing that the document names changes its type or goes.

-- Before the tables that a job refers to: who writes a job goes on to look at those.
LOCK TABLE public.jobs IN ACCESS EXCLUSIVE MODE;

ALTER TABLE public.mt5_agents
    ADD COLUMN IF NOT EXISTS pairing_key_hash TEXT,
    ADD COLUMN IF NOT EXISTS pairing_key_prefix TEXT;
COMMENT ON COLUMN public.mt5_agents.pairing_key_hash IS 'SHA-256 of the pairing key, lower-case hex. The key itself is shown once and stored nowhere. POST /agents/pair writes it.';
COMMENT ON COLUMN public.mt5_agents.pairing_key_prefix IS 'First characters of the pairing key, for people to recognise it. POST /agents/pair writes it.';
-- migrate:ignore require-concurrent-index-creation a user has a handful of agents
CREATE INDEX IF NOT EXISTS mt5_agents_pairing_key_prefix_idx ON public.mt5_agents (pairing_key_prefix);
COMMENT ON INDEX public.mt5_agents_pairing_key_prefix_idx IS 'Which agent has a key that begins like this?';

ALTER TABLE public.ea_projects ADD COLUMN IF NOT EXISTS current_version_id UUID;
COMMENT ON COLUMN public.ea_projects.current_version_id IS 'The newest version. POST /ea/generate moves it.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS ea_projects_current_version_idx ON public.ea_projects (current_version_id)
    WHERE current_version_id IS NOT NULL;
COMMENT ON INDEX public.ea_projects_current_version_idx IS 'Deleting a version.';
DO $$
BEGIN
    INSERT INTO public.installation_rows (version, relation, row_id, before)
    SELECT 20251102000000, 'ea_projects', p.id, jsonb_build_object('current_version_id', p.current_version_id)
    FROM public.ea_projects p
    WHERE p.current_version_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM public.ea_versions v WHERE v.id = p.current_version_id);
    UPDATE public.ea_projects p SET current_version_id = NULL
    FROM public.installation_rows r
    WHERE r.version = 20251102000000 AND r.relation = 'ea_projects' AND r.row_id = p.id;
    CALL public.installation_small_rule('ea_projects', 'current_version_id', 'ea_projects_current_version_id_fkey',
        'FOREIGN KEY (current_version_id) REFERENCES ea_versions(id) ON DELETE SET NULL');
END $$;

CREATE TABLE IF NOT EXISTS public.tv_strategies (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE,
    name TEXT NOT NULL
);
-- migrate:ignore adding-field-with-default a handful of rows per user, and each needs a secret of its own
-- migrate:ignore adding-foreign-key-constraint a handful of rows per user, or the column is new and empty
ALTER TABLE public.tv_strategies
    ADD COLUMN IF NOT EXISTS broker_connection_id UUID
        CONSTRAINT tv_strategies_broker_connection_id_fkey REFERENCES public.broker_connections,
    -- Where an installation's strategies have none, each gets one; the trigger of 20251104010000 gives the later ones.
    ADD COLUMN IF NOT EXISTS webhook_secret TEXT NOT NULL
        DEFAULT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
    ADD COLUMN IF NOT EXISTS risk_override_pct NUMERIC(5,2),
    ADD COLUMN IF NOT EXISTS allowed_pairs TEXT[],
    ADD COLUMN IF NOT EXISTS is_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS updated_at TIMESTAMPTZ NOT NULL DEFAULT now();
COMMENT ON TABLE public.tv_strategies IS 'A TradingView strategy: what its alerts may do, and where.';
COMMENT ON COLUMN public.tv_strategies.id IS 'The row''s id.';
COMMENT ON COLUMN public.tv_strategies.user_id IS 'The user it belongs to.';
COMMENT ON COLUMN public.tv_strategies.broker_connection_id IS 'The account it trades on; NULL: the user''s only one.';
COMMENT ON COLUMN public.tv_strategies.name IS 'The user''s name for it.';
COMMENT ON COLUMN public.tv_strategies.webhook_secret IS 'What an alert proves itself with: 64 hex characters, made by the server.';
COMMENT ON COLUMN public.tv_strategies.risk_override_pct IS 'Risk of one trade in percent of equity (1.00 = one percent); NULL: the user''s default.';
COMMENT ON COLUMN public.tv_strategies.allowed_pairs IS 'Canonical symbols it may trade; NULL: all.';
COMMENT ON COLUMN public.tv_strategies.is_enabled IS 'Off: its signals are recorded and discarded.';
COMMENT ON COLUMN public.tv_strategies.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.tv_strategies.updated_at IS 'When the row last changed; the ingester polls it.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS tv_strategies_user_idx ON public.tv_strategies (user_id);
COMMENT ON INDEX public.tv_strategies_user_idx IS 'A user''s strategies; deleting a user.';
-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX IF NOT EXISTS tv_strategies_broker_connection_idx ON public.tv_strategies (broker_connection_id)
    WHERE broker_connection_id IS NOT NULL;
COMMENT ON INDEX public.tv_strategies_broker_connection_idx IS 'Deleting a connection.';
-- migrate:ignore disallowed-unique-constraint a handful of rows per user
DO $$
BEGIN
    IF NOT public.installation_had('tv_strategies', 'column', 'webhook_secret') THEN
        ALTER TABLE public.tv_strategies ALTER COLUMN webhook_secret DROP DEFAULT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'webhook_secret'
                   WHERE i.indrelid = 'public.tv_strategies'::regclass AND i.indisunique AND i.indpred IS NULL
                     AND i.indkey::text = a.attnum::text) THEN
        -- Said here, because the server's own message would print the secret.
        IF EXISTS (SELECT FROM public.tv_strategies s GROUP BY s.webhook_secret HAVING count(*) > 1) THEN
            RAISE unique_violation USING MESSAGE = 'two strategies of this installation have the same webhook_secret',
                HINT = 'give each of them one of its own, then run migrate up again';
        END IF;
        ALTER TABLE public.tv_strategies ADD CONSTRAINT tv_strategies_webhook_secret_key UNIQUE (webhook_secret);
    END IF;
    CALL public.installation_drop_policies('tv_strategies');
    CALL public.installation_small_rule('tv_strategies', 'user_id', 'tv_strategies_user_id_fkey',
                                        'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE');
END $$;
ALTER TABLE public.tv_strategies ENABLE ROW LEVEL SECURITY;
CREATE POLICY tv_strategies_own ON public.tv_strategies FOR ALL TO authenticated
    USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id);
COMMENT ON POLICY tv_strategies_own ON public.tv_strategies IS 'A user manages own rows.';

CREATE TABLE IF NOT EXISTS public.tv_signals (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES auth.users ON DELETE CASCADE
);
-- migrate:ignore adding-foreign-key-constraint a handful of rows per user, or the column is new and empty
-- migrate:ignore constraint-missing-not-valid the column is new, or the table is empty
ALTER TABLE public.tv_signals
    ADD COLUMN IF NOT EXISTS strategy_id UUID REFERENCES public.tv_strategies ON DELETE SET NULL,
    ADD COLUMN IF NOT EXISTS status TEXT NOT NULL DEFAULT 'pending'
        CONSTRAINT tv_signals_status_check CHECK (status IN ('pending', 'executed', 'failed', 'discarded')),
    ADD COLUMN IF NOT EXISTS symbol TEXT,
    ADD COLUMN IF NOT EXISTS action TEXT,
    ADD COLUMN IF NOT EXISTS volume NUMERIC(10,2),
    ADD COLUMN IF NOT EXISTS fill_price NUMERIC(18,5),
    ADD COLUMN IF NOT EXISTS broker_order_id TEXT,
    ADD COLUMN IF NOT EXISTS error_message TEXT,
    ADD COLUMN IF NOT EXISTS raw_payload JSONB,
    ADD COLUMN IF NOT EXISTS created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    ADD COLUMN IF NOT EXISTS resolved_at TIMESTAMPTZ;
COMMENT ON TABLE public.tv_signals IS 'One accepted alert and what became of it.';
COMMENT ON COLUMN public.tv_signals.id IS 'Made by the ingester; the id that the webhook''s answer carries.';
COMMENT ON COLUMN public.tv_signals.user_id IS 'The strategy''s user.';
COMMENT ON COLUMN public.tv_signals.strategy_id IS 'The strategy whose secret it carried; NULL when that was deleted.';
COMMENT ON COLUMN public.tv_signals.status IS 'pending, then once: executed, failed or discarded.';
COMMENT ON COLUMN public.tv_signals.symbol IS 'Canonical symbol.';
COMMENT ON COLUMN public.tv_signals.action IS 'buy, sell or close.';
COMMENT ON COLUMN public.tv_signals.volume IS 'Lots, rounded for display; the exact text is in jobs.input_data.';
COMMENT ON COLUMN public.tv_signals.fill_price IS 'Rounded for display; the exact price is in signal_legs.';
COMMENT ON COLUMN public.tv_signals.broker_order_id IS 'Ticket of the order at the broker.';
COMMENT ON COLUMN public.tv_signals.error_message IS 'code: text; why it failed or was discarded, or what it waits for.';
COMMENT ON COLUMN public.tv_signals.raw_payload IS 'The alert as received, secrets masked.';
COMMENT ON COLUMN public.tv_signals.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.tv_signals.resolved_at IS 'When it stopped being pending.';
DO $$
BEGIN
    CALL public.installation_drop_policies('tv_signals');
    -- Looked at in the next file: there may be many.
    CALL public.installation_rule('tv_signals', 'status', 'tv_signals_status_check',
        'CHECK ((status = ANY (ARRAY[''pending''::text, ''executed''::text, ''failed''::text, ''discarded''::text])))');
    CALL public.installation_rule('tv_signals', 'user_id', 'tv_signals_user_id_fkey',
                                  'FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE');
    CALL public.installation_rule('tv_signals', 'strategy_id', 'tv_signals_strategy_id_fkey',
                                  'FOREIGN KEY (strategy_id) REFERENCES tv_strategies(id) ON DELETE SET NULL');
END $$;
ALTER TABLE public.tv_signals ENABLE ROW LEVEL SECURITY;
CREATE POLICY tv_signals_own ON public.tv_signals FOR SELECT TO authenticated
    USING ((SELECT auth.uid()) = user_id);
COMMENT ON POLICY tv_signals_own ON public.tv_signals IS 'A user sees own rows; the services write.';

-- The old queue is cut off here. There, every claim failed on the status check, so its table is full of old trades,
-- and whoever polls it would take them the moment that check knows `claimed`. From here until they are ended
-- (20251105020000_old_jobs.sql) nobody claims an effect. 20251109000000_rights.sql takes the trigger away.
CREATE FUNCTION public.jobs_upgrade() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE object_not_in_prerequisite_state USING
        MESSAGE = 'upgrade_in_progress: an effect of the old queue is not executed any more';
END $$;
COMMENT ON FUNCTION public.jobs_upgrade IS 'Keeps the old queue''s effects from being claimed while the installation is brought forward.';
REVOKE ALL ON FUNCTION public.jobs_upgrade() FROM PUBLIC, anon, authenticated, service_role;

-- The claim as the document states it, but for effects: these are claimable from 20251106000000_claim.sql on, when
-- each has a limit and one agent. Nobody may call it before that.
DO $$
BEGIN
    INSERT INTO public.installation_before (relation, kind, name, before)
    SELECT 'claim_next_job(uuid)', 'function', '', jsonb_build_object('definition', pg_get_functiondef(p.oid),
               'owner', pg_get_userbyid(p.proowner), 'comment', obj_description(p.oid, 'pg_proc'),
               'acl', (SELECT jsonb_agg(jsonb_build_object('grantee',
                              CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END,
                              'option', e.is_grantable))
                       FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e))
    FROM pg_proc p WHERE p.oid = to_regprocedure('public.claim_next_job(uuid)');
    IF FOUND THEN
        DROP FUNCTION public.claim_next_job(uuid);
    END IF;
END $$;

-- A `test` job is none of the nine types, and `claimed` was none of the states. The table may be large: that old rows
-- obey is looked at afterwards, without a lock (20251102010000_old_rows.sql). Names of old checks differ.
-- migrate:ignore adding-foreign-key-constraint a handful of rows per user, or the column is new and empty
ALTER TABLE public.jobs
    ADD COLUMN IF NOT EXISTS agent_id UUID REFERENCES public.mt5_agents (id),
    ADD COLUMN IF NOT EXISTS claimed_at TIMESTAMPTZ;
COMMENT ON COLUMN public.jobs.agent_id IS 'The agent that claimed it; NULL while it is pending.';
COMMENT ON COLUMN public.jobs.claimed_at IS 'When it was last claimed.';
-- migrate:ignore constraint-missing-not-valid the column is new, or the table is empty
DO $$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN
        SELECT n.conname FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid
        WHERE n.conrelid = 'public.jobs'::regclass AND n.contype = 'c' AND a.attname IN ('job_type', 'status')
          AND n.conkey = ARRAY[a.attnum]
    LOOP
        EXECUTE format('ALTER TABLE public.jobs DROP CONSTRAINT %I', v_name);
    END LOOP;
    ALTER TABLE public.jobs
        ADD CONSTRAINT jobs_job_type_check CHECK (job_type::text IN
            ('compile', 'deploy', 'run', 'stop', 'trade', 'get_positions', 'get_account', 'get_candles',
             'close_position')) NOT VALID,
        ADD CONSTRAINT jobs_status_check CHECK (status::text IN
            ('pending', 'running', 'claimed', 'completed', 'failed', 'cancelled')) NOT VALID;
    CALL public.installation_rule('jobs', 'agent_id', 'jobs_agent_id_fkey',
                                  'FOREIGN KEY (agent_id) REFERENCES mt5_agents(id)');
    IF NOT EXISTS (SELECT FROM public.jobs) THEN
        ALTER TABLE public.jobs VALIDATE CONSTRAINT jobs_job_type_check, VALIDATE CONSTRAINT jobs_status_check,
            VALIDATE CONSTRAINT jobs_agent_id_fkey;
    END IF;
END $$;
COMMENT ON CONSTRAINT jobs_job_type_check ON public.jobs IS 'The nine types.';
COMMENT ON CONSTRAINT jobs_status_check ON public.jobs IS 'The states of a job.';
CREATE TRIGGER jobs_upgrade BEFORE UPDATE OF status ON public.jobs FOR EACH ROW
    WHEN (NEW.status = 'claimed' AND OLD.status = 'pending' AND NEW.job_type::text IN ('trade', 'close_position'))
    EXECUTE FUNCTION public.jobs_upgrade();

CREATE FUNCTION public.claim_next_job(p_agent_id uuid) RETURNS SETOF public.jobs
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH next AS (
        SELECT j.id FROM jobs j JOIN mt5_agents a ON a.user_id = j.user_id
        WHERE a.id = p_agent_id AND j.status = 'pending' AND (j.agent_id IS NULL OR j.agent_id = p_agent_id)
          AND j.job_type IN ('compile', 'deploy', 'run', 'stop', 'get_positions', 'get_account', 'get_candles')
        ORDER BY j.created_at, j.id LIMIT 1
        FOR UPDATE OF j SKIP LOCKED)
    UPDATE jobs j SET status = 'claimed', agent_id = p_agent_id, claimed_at = clock_timestamp()
    FROM next WHERE j.id = next.id AND j.status = 'pending' RETURNING j.*
$$;
COMMENT ON FUNCTION public.claim_next_job(uuid) IS 'Claims the agent''s oldest pending job that is no effect; no row: there is none, or the agent is unknown.';
REVOKE ALL ON FUNCTION public.claim_next_job(uuid) FROM PUBLIC, anon, authenticated, service_role;
