-- what waits, what runs, what needs somebody
SELECT (SELECT count(*) FROM job_ready) AS jobs_pending,
       (SELECT count(*) FROM job_leases l WHERE NOT l.is_unknown) AS jobs_claimed,
       (SELECT count(*) FROM job_leases l WHERE l.is_unknown) AS jobs_unknown,
       (SELECT count(*) FROM mt5_agents a WHERE a.revoked_at IS NULL) AS agents,
       (SELECT count(*) FROM mt5_agents a WHERE a.is_connected) AS agents_connected,
       (SELECT count(*) FROM gateways g WHERE g.seen_at > now() - interval '6 s') AS gateways_live,
       (SELECT count(*) FROM unmatched_results) AS results_unmatched
