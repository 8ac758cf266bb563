-- `repair`: version $1 is from now on the file with checksum $2 and name $3, which takes something away or not ($4).
-- An interrupted file whose text is another now begins anew: its statements may be repeated.
UPDATE public.tradewire_migrations
SET checksum = $2, name = $3, is_contract = $4,
    statements_done = CASE state WHEN 'running' THEN 0 ELSE statements_done END,
    note = concat_ws('; ', note, format('repair %s: checksum was %s, name %s', date_trunc('second', now()), checksum,
                                        name))
WHERE version = $1
