-- A new row of the history; who and when are the columns' defaults.
INSERT INTO public.tradewire_migrations (version, name, checksum, chain, state, statements_done, statements,
                                         duration_ms, run_id, is_contract, changes, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
