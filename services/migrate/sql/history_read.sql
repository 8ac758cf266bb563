-- The history, a row per version, in their order; the columns are read by place, in history.c. Times are UTC.
SELECT version, name, checksum, chain, state = 'running', statements_done, statements,
       to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), duration_ms,
       applied_by, run_id, is_contract, changes, note
FROM public.tradewire_migrations
ORDER BY version
