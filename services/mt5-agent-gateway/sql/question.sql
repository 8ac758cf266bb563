-- Open effects that the agents must be asked about, under a new epoch; the columns are those of claim.sql.
-- $1 agents, $2 their sessions, arrays of one length
-- Times are µs UTC. Numbers at the top of an effect's input leave as text: exact, whatever reads them.
SELECT j.id, j.job_type, j.agent_id, j.user_id, j.lane, j.lease_epoch, j.lease_session,
       (extract(epoch FROM job_longest_run(j.job_type)) * 1000)::bigint AS lease_ms,
       (extract(epoch FROM j.expires_at) * 1000000)::bigint AS expires_us,
       (extract(epoch FROM j.claimed_at) * 1000000)::bigint AS claimed_us,
       (extract(epoch FROM j.created_at) * 1000000)::bigint AS created_us,
       coalesce(a.journal_bound_at > j.started_at, true) AS terminal_only,
       b.server, b.login, b.currency, b.margin_mode, coalesce(b.is_real, false) AS is_real,
       CASE WHEN j.lane <> 1 OR jsonb_typeof(j.input_data) <> 'object' THEN j.input_data
            ELSE (SELECT coalesce(jsonb_object_agg(m.key, CASE WHEN jsonb_typeof(m.value) = 'number'
                                                               THEN to_jsonb(m.value #>> '{}') ELSE m.value END), '{}')
                  FROM jsonb_each(j.input_data) m)
       END AS input,
       j.traceparent, j.seq
FROM question_jobs($1::uuid[], $2::bigint[]) j
LEFT JOIN mt5_agents a ON a.id = j.agent_id
LEFT JOIN broker_connections b ON b.id = a.broker_connection_id
ORDER BY j.seq
