-- Does a claim by the gateway's role see a job? A user, an agent with a session and a job are made as the programs
-- make them, the claim is made as tradewire_gateway, and the caller rolls everything back.
-- Run in a READ COMMITTED, READ WRITE transaction. The answer is left in two settings of the transaction:
--   tradewire.claim_found     what came of it; 'the seeded job' is right
--   tradewire.claim_skipped   why it could not be tried, else ''
DO $$
DECLARE
    v_role_before text := current_setting('role');
    v_gateway uuid := gen_random_uuid();
    v_key_hash text := encode(sha256(gen_random_uuid()::text::bytea), 'hex');
    v_name text;
    v_user uuid;
    v_agent uuid;
    v_job uuid;
    v_refused text;
    v_claimed uuid[];
    v_skipped text := '';
    v_found text := 'nothing';
BEGIN
    FOREACH v_name IN ARRAY ARRAY['user_add(text)', 'agent_pair(uuid,text,text,text)', 'gateway_beat(uuid,text)',
        'agent_hello(uuid,text,bytea,uuid,bigint,uuid,text,text,text,text,boolean)', 'claim_next_job(uuid)']
    LOOP
        CONTINUE WHEN to_regprocedure('public.' || v_name) IS NOT NULL;
        v_skipped := format('function %s is not there', v_name);
    END LOOP;

    IF v_skipped = '' THEN
        BEGIN
            BEGIN
                SET LOCAL ROLE tradewire_gateway;
            EXCEPTION WHEN insufficient_privilege THEN
                -- Who may give the role may take it on: gone with the rollback.
                EXECUTE format('GRANT tradewire_gateway TO %I', current_user);
                SET LOCAL ROLE tradewire_gateway;
            END;
        EXCEPTION WHEN insufficient_privilege OR invalid_parameter_value OR undefined_object THEN
            v_skipped := format('%s may not act as tradewire_gateway: %s', current_user, SQLERRM);
        END;
        PERFORM set_config('role', v_role_before, true);
    END IF;

    IF v_skipped = '' THEN
        BEGIN
            BEGIN
                v_user := public.user_add(format('verify-%s@verify.invalid', v_gateway));
            EXCEPTION WHEN insufficient_privilege OR not_null_violation THEN
                SELECT u.id INTO v_user FROM auth.users u LIMIT 1; -- the platform makes its users itself
            END;
            IF v_user IS NULL THEN
                v_skipped := 'there is no user to try it with';
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            v_skipped := format('%s may not look at users: %s', current_user, SQLERRM);
        END;
    END IF;

    IF v_skipped = '' THEN
        BEGIN
            v_agent := public.agent_pair(v_user, 'verify', v_key_hash, 'verify');
            -- A close: it names its agent, is claimed before anything that any of the user's agents may do, and no switch
            -- holds it back.
            INSERT INTO public.jobs (user_id, job_type, target_agent_id) VALUES (v_user, 'close_position', v_agent)
            RETURNING id INTO v_job;
            SET LOCAL ROLE tradewire_gateway;
            PERFORM public.gateway_beat(v_gateway, 'verify');
            SELECT h.code INTO v_refused
            FROM public.agent_hello(v_agent, v_key_hash, decode(v_key_hash, 'hex'), gen_random_uuid(), 1, v_gateway,
                                    NULL, NULL, NULL, NULL, NULL) h;
            SELECT array_agg(c.id) INTO v_claimed FROM public.claim_next_job(v_agent) c;
            v_found := CASE WHEN v_refused IS NOT NULL THEN 'the agent''s hello is refused: ' || v_refused
                            WHEN v_claimed = ARRAY[v_job] THEN 'the seeded job'
                            WHEN v_claimed IS NULL THEN 'nothing'
                            ELSE 'another job' END;
        EXCEPTION WHEN OTHERS THEN
            v_found := format('error %s: %s', SQLSTATE, SQLERRM);
        END;
        PERFORM set_config('role', v_role_before, true);
    END IF;
    PERFORM set_config('tradewire.claim_found', v_found, true), set_config('tradewire.claim_skipped', v_skipped, true);
END $$
