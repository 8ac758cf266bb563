-- What one version changed, $1 as a JSON object: rows as those of fold_history.sql.
SELECT key, value FROM jsonb_each_text($1::jsonb) ORDER BY key COLLATE "C"
