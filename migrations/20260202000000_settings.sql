-- What users and operators set: settings of a user, switches that stop entries, further accounts of a strategy, and
-- other names of symbols. The dispatcher writes them for its API; nobody else does.

-- As whoever migrates: on Supabase the owner of our tables may not name what is in auth.
CREATE TABLE public.user_settings (
    user_id UUID PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE,
    settings JSONB NOT NULL DEFAULT '{}'
        CONSTRAINT user_settings_settings_check CHECK (public.strategy_settings_ok(settings)),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE public.kill_switches (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    scope TEXT NOT NULL CONSTRAINT kill_switches_scope_check CHECK (scope IN ('global', 'user', 'strategy')),
    user_id UUID REFERENCES auth.users ON DELETE CASCADE,
    strategy_id UUID,
    is_on BOOLEAN NOT NULL DEFAULT TRUE,
    reason TEXT CONSTRAINT kill_switches_reason_check CHECK (length(reason) <= 500),
    set_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT kill_switches_one_per_scope UNIQUE NULLS NOT DISTINCT (scope, user_id, strategy_id),
    CONSTRAINT kill_switches_target_check
        CHECK ((scope <> 'global') = (user_id IS NOT NULL) AND (scope = 'strategy') = (strategy_id IS NOT NULL))
);
REVOKE ALL ON public.user_settings, public.kill_switches FROM PUBLIC, anon, authenticated, service_role; -- Supabase's defaults
ALTER TABLE public.user_settings OWNER TO tradewire_owner;
ALTER TABLE public.kill_switches OWNER TO tradewire_owner;

SET ROLE tradewire_owner;

COMMENT ON TABLE user_settings IS 'What a user set for all strategies; a strategy''s own settings go before.';
COMMENT ON COLUMN user_settings.user_id IS 'The user.';
COMMENT ON COLUMN user_settings.settings IS 'The members of tv_strategies.settings, checked by the same function.';
COMMENT ON COLUMN user_settings.created_at IS 'When the row was made.';
COMMENT ON COLUMN user_settings.updated_at IS 'When the row last changed.';

-- migrate:ignore disallowed-unique-constraint a few rows per user
-- migrate:ignore contract-directive the id alone is unique already
ALTER TABLE tv_strategies ADD CONSTRAINT tv_strategies_id_user_key UNIQUE (id, user_id);
COMMENT ON CONSTRAINT tv_strategies_id_user_key ON tv_strategies IS 'Lets foreign keys demand that the strategy is the same user''s.';

ALTER TABLE kill_switches ADD CONSTRAINT kill_switches_strategy_fkey
    FOREIGN KEY (strategy_id, user_id) REFERENCES tv_strategies (id, user_id) ON DELETE CASCADE;
COMMENT ON TABLE kill_switches IS 'What stops entries, and never closes: for everybody, for a user, or for a strategy. The strictest wins: one that is on, in whichever scope.';
COMMENT ON COLUMN kill_switches.id IS 'The row''s id.';
COMMENT ON COLUMN kill_switches.scope IS 'global, user or strategy.';
COMMENT ON COLUMN kill_switches.user_id IS 'Whose entries it stops; NULL: everybody''s.';
COMMENT ON COLUMN kill_switches.strategy_id IS 'The one strategy whose entries it stops; NULL: all.';
COMMENT ON COLUMN kill_switches.is_on IS 'Whether it stops them now.';
COMMENT ON COLUMN kill_switches.reason IS 'Why, for people; at most 500 characters.';
COMMENT ON COLUMN kill_switches.set_by IS 'user:ID, operator:NAME and the like.';
COMMENT ON COLUMN kill_switches.created_at IS 'When the row was made.';
COMMENT ON COLUMN kill_switches.updated_at IS 'When it was last switched.';
COMMENT ON CONSTRAINT kill_switches_target_check ON kill_switches IS 'A scope names exactly what it is about.';
CREATE INDEX kill_switches_strategy_idx ON kill_switches (strategy_id) WHERE strategy_id IS NOT NULL;
COMMENT ON INDEX kill_switches_strategy_idx IS 'Planning and claim: is this strategy stopped? Deleting a strategy.';
CREATE INDEX kill_switches_user_idx ON kill_switches (user_id) WHERE user_id IS NOT NULL;
COMMENT ON INDEX kill_switches_user_idx IS 'Planning and claim: is this user stopped? Deleting a user.';

CREATE TABLE strategy_targets (
    strategy_id UUID NOT NULL,
    broker_connection_id UUID NOT NULL,
    user_id UUID NOT NULL,
    risk_pct NUMERIC(5,2) CONSTRAINT strategy_targets_risk_check CHECK (risk_pct > 0 AND risk_pct <= 100),
    volume_factor NUMERIC CONSTRAINT strategy_targets_factor_check CHECK (volume_factor > 0 AND volume_factor <= 1000),
    is_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (strategy_id, broker_connection_id),
    CONSTRAINT strategy_targets_strategy_fkey
        FOREIGN KEY (strategy_id, user_id) REFERENCES tv_strategies (id, user_id) ON DELETE CASCADE,
    CONSTRAINT strategy_targets_connection_fkey
        FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections (id, user_id) ON DELETE CASCADE
);
COMMENT ON TABLE strategy_targets IS 'Further accounts that a strategy''s signals go to; none: its own only.';
COMMENT ON COLUMN strategy_targets.strategy_id IS 'The strategy.';
COMMENT ON COLUMN strategy_targets.broker_connection_id IS 'The account; the same user''s.';
COMMENT ON COLUMN strategy_targets.user_id IS 'The user that both belong to.';
COMMENT ON COLUMN strategy_targets.risk_pct IS 'Risk of one trade there, percent of equity (1.00 = one percent); NULL: the strategy''s.';
COMMENT ON COLUMN strategy_targets.volume_factor IS 'What a volume given in lots is multiplied by there; NULL: 1.';
COMMENT ON COLUMN strategy_targets.is_enabled IS 'Off: signals don''t go there.';
COMMENT ON COLUMN strategy_targets.created_at IS 'When the row was made.';
COMMENT ON COLUMN strategy_targets.updated_at IS 'When the row last changed.';
CREATE INDEX strategy_targets_connection_idx ON strategy_targets (broker_connection_id);
COMMENT ON INDEX strategy_targets_connection_idx IS 'Deleting a connection.';

CREATE TABLE symbol_aliases (
    alias TEXT PRIMARY KEY CONSTRAINT symbol_aliases_alias_check CHECK (alias ~ '^\S{1,32}$' AND alias = upper(alias)),
    canonical TEXT NOT NULL
        CONSTRAINT symbol_aliases_canonical_check CHECK (canonical ~ '^\S{1,32}$' AND canonical = upper(canonical)),
    CONSTRAINT symbol_aliases_differ_check CHECK (alias <> canonical)
);
COMMENT ON TABLE symbol_aliases IS 'Other names of canonical symbols; looked up in upper case, once (an alias of an alias is none).';
COMMENT ON COLUMN symbol_aliases.alias IS 'The other name, upper case.';
COMMENT ON COLUMN symbol_aliases.canonical IS 'The canonical symbol.';
INSERT INTO symbol_aliases (alias, canonical) VALUES ('GOLD', 'XAUUSD');

ALTER TABLE user_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE kill_switches ENABLE ROW LEVEL SECURITY;
ALTER TABLE strategy_targets ENABLE ROW LEVEL SECURITY;
ALTER TABLE symbol_aliases ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON user_settings, kill_switches, strategy_targets, symbol_aliases
    TO authenticated, service_role, tradewire_dispatcher, tradewire_operator;
GRANT INSERT, UPDATE ON user_settings, kill_switches TO tradewire_dispatcher;
GRANT INSERT, UPDATE, DELETE ON strategy_targets TO tradewire_dispatcher;

CREATE POLICY everybody ON symbol_aliases FOR SELECT
    TO authenticated, service_role, tradewire_dispatcher, tradewire_operator USING (true);
DO $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['user_settings', 'kill_switches', 'strategy_targets'] LOOP
        EXECUTE format('CREATE POLICY service ON %I FOR SELECT TO service_role USING (true)', v_table);
        EXECUTE format('CREATE POLICY operator ON %I FOR SELECT TO tradewire_operator USING (true)', v_table);
        EXECUTE format('CREATE POLICY dispatcher ON %I FOR ALL TO tradewire_dispatcher USING (true) WITH CHECK (true)',
                       v_table);
    END LOOP;
END $$;

RESET ROLE;

-- As whoever migrates, for the same reason as above.
CREATE POLICY own ON public.user_settings FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()));
CREATE POLICY own ON public.kill_switches FOR SELECT TO authenticated USING (scope = 'global' OR user_id = (SELECT auth.uid()));
COMMENT ON POLICY own ON public.kill_switches IS 'Own switches, and the ones for everybody: they stop this user, too.';
CREATE POLICY own ON public.strategy_targets FOR SELECT TO authenticated USING (user_id = (SELECT auth.uid()));
