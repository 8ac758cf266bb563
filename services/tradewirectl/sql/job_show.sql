-- $1 job
SELECT j.id AS job_id, j.user_id, j.job_type, j.status, j.seq, j.signal_id, j.strategy_id,
       j.target_agent_id, j.agent_id, j.attempt, j.lease_epoch, j.expires_at, j.ready_at,
       j.created_at, j.claimed_at, j.completed_at, j.error_message, j.input_data, j.output_data,
       j.timeline
FROM jobs j
WHERE j.id = $1::uuid
