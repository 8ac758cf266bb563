-- migrate:contract
-- Strategies: the secret and the magic tag that the server gives, settings that are checked; signals' further
-- columns, the keys that make a signal happen once, and its legs.
SET ROLE tradewire_owner;

-- One member of the settings, or an error that names it. Unknown names are refused rather than ignored:
-- a mistyped limit that is silently not applied costs money.
CREATE FUNCTION strategy_setting_ok(p_name text, p_value jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_text text := p_value #>> '{}';
    v_max numeric := CASE p_name WHEN 'max_age_s' THEN 86400 WHEN 'close_max_age_s' THEN 604800
                                 WHEN 'rate_per_min' THEN 10000 WHEN 'burst' THEN 10000 END;
BEGIN
    CASE p_name
    WHEN 'max_age_s', 'close_max_age_s' THEN
        IF jsonb_typeof(p_value) = 'number' AND v_text ~ '^[0-9]{1,9}$' AND v_text::numeric BETWEEN 1 AND v_max THEN
            RETURN true;
        END IF;
        RAISE check_violation USING MESSAGE = format(
            'bad_settings: %s must be a whole number of seconds from 1 to %s', p_name, v_max);
    WHEN 'rate_per_min' THEN
        IF jsonb_typeof(p_value) = 'number' AND v_text ~ '^[0-9]{1,9}$' AND v_text::numeric BETWEEN 1 AND v_max THEN
            RETURN true;
        END IF;
        RAISE check_violation USING MESSAGE = format(
            'bad_settings: rate_per_min must be a whole number of entries per minute from 1 to %s', v_max);
    WHEN 'burst' THEN
        IF jsonb_typeof(p_value) = 'number' AND v_text ~ '^[0-9]{1,9}$' AND v_text::numeric BETWEEN 1 AND v_max THEN
            RETURN true;
        END IF;
        RAISE check_violation USING MESSAGE = format(
            'bad_settings: burst must be a whole number of entries from 1 to %s', v_max);
    WHEN 'stop_kind' THEN
        IF p_value = '"price"' THEN
            RETURN true;
        END IF;
        RAISE check_violation USING MESSAGE = 'bad_settings: stop_kind must be "price"';
    WHEN 'max_volume' THEN
        IF jsonb_typeof(p_value) IN ('number', 'string') AND v_text ~ '^[0-9]{1,20}(\.[0-9]{1,18})?$'
           AND v_text::numeric > 0 THEN
            RETURN true;
        END IF;
        RAISE check_violation USING MESSAGE = 'bad_settings: max_volume must be a decimal number of lots above 0';
    ELSE
        RAISE check_violation USING MESSAGE = format('bad_settings: unknown setting %s', left(p_name, 64));
    END CASE;
END $$;
COMMENT ON FUNCTION strategy_setting_ok IS 'Checks one member of tv_strategies.settings; refuses by an error that names it.';

CREATE FUNCTION strategy_settings_ok(p_settings jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF jsonb_typeof(p_settings) <> 'object' THEN
        RAISE check_violation USING MESSAGE = 'bad_settings: settings must be a JSON object';
    ELSIF p_settings ? 'burst' AND NOT p_settings ? 'rate_per_min' THEN
        RAISE check_violation USING MESSAGE =
            'bad_settings: burst says how many entries may come at once under a rate; set rate_per_min, too';
    END IF;
    RETURN coalesce((SELECT bool_and(strategy_setting_ok(m.key, m.value)) FROM jsonb_each(p_settings) m), true);
END $$;
COMMENT ON FUNCTION strategy_settings_ok IS 'Checks tv_strategies.settings as a whole.';
-- A CHECK runs with the rights of whoever writes the row.
-- migrate:ignore function-executable-by-public a CHECK runs with the rights of whoever writes the row
GRANT EXECUTE ON FUNCTION strategy_setting_ok, strategy_settings_ok TO PUBLIC;

-- A handful of rows per user: these locks are over at once.
-- migrate:ignore constraint-missing-not-valid the column is new
ALTER TABLE tv_strategies
    ADD COLUMN settings JSONB NOT NULL DEFAULT '{}'
        CONSTRAINT tv_strategies_settings_check CHECK (strategy_settings_ok(settings)),
    ADD COLUMN arm_state TEXT,
    ADD COLUMN magic_tag INTEGER;
COMMENT ON COLUMN tv_strategies.settings IS 'Limits and readings: max_age_s, close_max_age_s (seconds), stop_kind, max_volume (lots), rate_per_min, burst (entries).';
COMMENT ON COLUMN tv_strategies.arm_state IS 'Whether it may trade a real account; not used by this version.';
COMMENT ON COLUMN tv_strategies.magic_tag IS 'Upper 20 bits of the magic number of its orders; unique per user.';

-- Its own table: a change of tv_strategies makes every ingester read the strategy again.
CREATE TABLE strategy_rates (
    strategy_id UUID PRIMARY KEY REFERENCES tv_strategies ON DELETE CASCADE,
    full_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE strategy_rates IS 'How much of rate_per_min and burst each strategy has used; moves in the transaction that plans its entries.';
COMMENT ON COLUMN strategy_rates.strategy_id IS 'The strategy; no row: it used nothing yet.';
COMMENT ON COLUMN strategy_rates.full_at IS 'When it has all of its burst again; each entry moves it by 60 s / rate_per_min.';


-- Strategies of an older installation: each gets a tag that its user has not; a connection of another user is taken
-- away, a risk out of range becomes the nearest in range, and a name has 1 to 100 characters (what it was is written
-- down).
DO $$
DECLARE
    v_strategy record;
    v_tag integer;
    v_name text;
BEGIN
    FOR v_strategy IN SELECT s.id, s.user_id FROM tv_strategies s ORDER BY s.id LOOP
        LOOP
            v_tag := 1 + floor(random() * 1048575)::integer;
            EXIT WHEN NOT EXISTS (SELECT FROM tv_strategies s
                                  WHERE s.user_id = v_strategy.user_id AND s.magic_tag = v_tag);
        END LOOP;
        UPDATE tv_strategies SET magic_tag = v_tag WHERE id = v_strategy.id;
    END LOOP;
    INSERT INTO installation_rows (version, relation, row_id, before)
    SELECT 20251104010000, 'tv_strategies', s.id, jsonb_build_object('broker_connection_id', s.broker_connection_id)
    FROM tv_strategies s
    WHERE s.broker_connection_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM broker_connections c WHERE c.id = s.broker_connection_id AND c.user_id = s.user_id);
    UPDATE tv_strategies s SET broker_connection_id = NULL
    FROM installation_rows r WHERE r.version = 20251104010000 AND r.relation = 'tv_strategies' AND r.row_id = s.id;
    INSERT INTO installation_rows (version, relation, row_id, before)
    SELECT 20251104010000, 'tv_strategies', s.id, jsonb_build_object('risk_override_pct', s.risk_override_pct, 'name', s.name,
               'became', jsonb_build_object(
                   'risk_override_pct', CASE WHEN s.risk_override_pct < 0 THEN 0 WHEN s.risk_override_pct > 100 THEN 100
                                             ELSE s.risk_override_pct END,
                   'name', CASE WHEN s.name !~ '\S' THEN 'strategy ' || left(s.id::text, 8)
                                WHEN length(s.name) > 100 THEN left(regexp_replace(s.name, '^\s+', ''), 100)
                                ELSE s.name END))
    FROM tv_strategies s
    WHERE s.risk_override_pct NOT BETWEEN 0 AND 100 OR s.name !~ '\S' OR length(s.name) > 100
    ON CONFLICT (version, relation, row_id) DO UPDATE SET before = installation_rows.before || excluded.before;
    UPDATE tv_strategies s
    SET risk_override_pct = (r.before #>> '{became,risk_override_pct}')::numeric, name = r.before #>> '{became,name}'
    FROM installation_rows r
    WHERE r.version = 20251104010000 AND r.relation = 'tv_strategies' AND r.row_id = s.id AND r.before ? 'became';
    FOR v_name IN SELECT n.conname FROM pg_constraint n JOIN pg_attribute a ON a.attrelid = n.conrelid
                  WHERE n.conrelid = 'tv_strategies'::regclass AND n.contype = 'f'
                    AND a.attname = 'broker_connection_id' AND n.conkey = ARRAY[a.attnum] LOOP
        EXECUTE format('ALTER TABLE tv_strategies DROP CONSTRAINT %I', v_name);
    END LOOP;
END $$;
-- migrate:ignore adding-not-nullable-field a handful of rows per user
-- migrate:ignore disallowed-unique-constraint a handful of rows per user
-- migrate:ignore constraint-missing-not-valid a handful of rows per user
-- migrate:ignore adding-foreign-key-constraint a handful of rows per user
ALTER TABLE tv_strategies
    ALTER COLUMN magic_tag SET NOT NULL,
    ADD CONSTRAINT tv_strategies_risk_range_check CHECK (risk_override_pct BETWEEN 0 AND 100),
    ADD CONSTRAINT tv_strategies_name_length_check CHECK (name ~ '\S' AND length(name) <= 100),
    ADD CONSTRAINT tv_strategies_magic_tag_check CHECK (magic_tag BETWEEN 1 AND 1048575),
    ADD CONSTRAINT tv_strategies_magic_tag_key UNIQUE (user_id, magic_tag),
    -- The account must be the same user's; without it a user could name somebody else's by its id.
    ADD CONSTRAINT tv_strategies_broker_connection_fkey
        FOREIGN KEY (broker_connection_id, user_id) REFERENCES broker_connections (id, user_id)
        ON DELETE SET NULL (broker_connection_id);
COMMENT ON CONSTRAINT tv_strategies_settings_check ON tv_strategies IS 'Known members with values in range; others are refused.';
COMMENT ON CONSTRAINT tv_strategies_risk_range_check ON tv_strategies IS 'A percentage of equity.';
COMMENT ON CONSTRAINT tv_strategies_name_length_check ON tv_strategies IS '1 to 100 characters, not all of them blanks.';
COMMENT ON CONSTRAINT tv_strategies_magic_tag_check ON tv_strategies IS '20 bits; 0 is no strategy''s.';
COMMENT ON CONSTRAINT tv_strategies_magic_tag_key ON tv_strategies IS 'An order''s magic number names one strategy of its user.';
COMMENT ON CONSTRAINT tv_strategies_broker_connection_fkey ON tv_strategies IS 'A strategy trades on a connection of its own user.';

-- Not SECURITY DEFINER: it must see who really writes.
CREATE FUNCTION tv_strategies_secret() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_trusted boolean := current_user = 'tradewire_owner'
                         OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT v_trusted OR NEW.webhook_secret IS NULL THEN
            -- Two random UUIDs: 244 random bits, from the server's strong generator.
            NEW.webhook_secret := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
        END IF;
    ELSE
        IF NEW.webhook_secret IS DISTINCT FROM OLD.webhook_secret AND NOT v_trusted THEN
            RAISE insufficient_privilege USING MESSAGE = 'forbidden: webhook_secret is made by the server';
        END IF;
        -- Positions carry the tag and belong to the user: neither may move.
        NEW.magic_tag := OLD.magic_tag;
        NEW.user_id := OLD.user_id;
    END IF;
    NEW.updated_at := clock_timestamp(); -- not now(): a poller must not miss the end of a long transaction
    RETURN NEW;
END $$;
COMMENT ON FUNCTION tv_strategies_secret IS 'Gives a new strategy its secret, guards it, keeps updated_at.';

-- SECURITY DEFINER: it must see all tags of the user. A random one rather than the next one: the tag of a
-- deleted strategy, whose positions may still be open, is then not given again soon.
CREATE FUNCTION tv_strategies_magic_tag() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tradewire.magic_tag.' || NEW.user_id, 0));
    LOOP
        NEW.magic_tag := 1 + floor(random() * 1048575)::integer;
        EXIT WHEN NOT EXISTS (SELECT FROM tv_strategies s
                              WHERE s.user_id = NEW.user_id AND s.magic_tag = NEW.magic_tag);
    END LOOP;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION tv_strategies_magic_tag IS 'Gives a new strategy a magic tag that the user has not.';

-- migrate:ignore require-concurrent-index-creation a handful of rows per user
CREATE INDEX tv_strategies_updated_idx ON tv_strategies (updated_at);
COMMENT ON INDEX tv_strategies_updated_idx IS 'The ingesters'' poll for what changed lately, every second.';

CREATE TRIGGER tv_strategies_magic_tag BEFORE INSERT ON tv_strategies
    FOR EACH ROW EXECUTE FUNCTION tv_strategies_magic_tag();
CREATE TRIGGER tv_strategies_secret BEFORE INSERT OR UPDATE ON tv_strategies
    FOR EACH ROW EXECUTE FUNCTION tv_strategies_secret();
COMMENT ON TRIGGER tv_strategies_magic_tag ON tv_strategies IS 'Whoever makes a strategy, the server gives it its tag.';
COMMENT ON TRIGGER tv_strategies_secret ON tv_strategies IS 'Whoever makes a strategy, the server gives it its secret.';

ALTER TABLE tv_signals
    ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN received_at TIMESTAMPTZ,
    SET (fillfactor = 60); -- it is changed once or twice, and no index covers what changes
COMMENT ON COLUMN tv_signals.duplicates IS 'How often the same alert came again.';
COMMENT ON COLUMN tv_signals.received_at IS 'When the ingester had the whole request, µs.';

CREATE TABLE signal_keys (
    dedup_key BYTEA PRIMARY KEY,
    signal_id UUID NOT NULL
        REFERENCES tv_signals ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    received_at TIMESTAMPTZ NOT NULL,
    valid_until TIMESTAMPTZ
);
-- Deferred: the keys are taken first, and their answers decide which signals are written.
COMMENT ON TABLE signal_keys IS 'What makes an alert the same alert; lives as long as its signal.';
COMMENT ON COLUMN signal_keys.dedup_key IS 'Digest made by the ingester, 32 bytes.';
COMMENT ON COLUMN signal_keys.signal_id IS 'The signal that took the key.';
COMMENT ON COLUMN signal_keys.received_at IS 'When that signal was received.';
COMMENT ON COLUMN signal_keys.valid_until IS 'After this the same key is a new alert; NULL: never.';
CREATE INDEX signal_keys_signal_idx ON signal_keys (signal_id);
COMMENT ON INDEX signal_keys_signal_idx IS 'Deleting a signal deletes its keys.';

ALTER TABLE strategy_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE signal_keys ENABLE ROW LEVEL SECURITY;

RESET ROLE;
