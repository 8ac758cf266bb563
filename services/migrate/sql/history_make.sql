-- The history table, where it is missing. Supabase gives every new table to its API roles, TRUNCATE included: what was
-- given goes again.
DO $$
BEGIN
    IF to_regclass('public.tradewire_migrations') IS NULL THEN
        CREATE TABLE public.tradewire_migrations (
            version BIGINT PRIMARY KEY,
            name TEXT NOT NULL,
            checksum TEXT NOT NULL,
            chain TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'applied' CHECK (state IN ('applied', 'running')),
            statements_done BIGINT NOT NULL,
            statements BIGINT NOT NULL,
            applied_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            duration_ms BIGINT NOT NULL,
            applied_by TEXT NOT NULL DEFAULT session_user,
            run_id UUID NOT NULL,
            is_contract BOOLEAN NOT NULL,
            changes JSONB,
            note TEXT);
        ALTER TABLE public.tradewire_migrations ENABLE ROW LEVEL SECURITY;
        EXECUTE (SELECT 'REVOKE ALL ON public.tradewire_migrations FROM PUBLIC'
                        || coalesce(string_agg(DISTINCT ', ' || quote_ident(pg_get_userbyid(e.grantee)), ''), '')
                 FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) e
                 WHERE c.oid = 'public.tradewire_migrations'::regclass AND e.grantee NOT IN (0, c.relowner));
        CREATE POLICY programs ON public.tradewire_migrations FOR SELECT USING (true);
        COMMENT ON TABLE public.tradewire_migrations IS
            'What migrate applied; each row was written in its file''s own transaction.';
        COMMENT ON COLUMN public.tradewire_migrations.version IS 'The digits in front of the file''s name.';
        COMMENT ON COLUMN public.tradewire_migrations.name IS 'The rest of the file''s name.';
        COMMENT ON COLUMN public.tradewire_migrations.checksum IS 'SHA-256 of the file with LF line ends, hex.';
        COMMENT ON COLUMN public.tradewire_migrations.chain IS
            'SHA-256, hex, of the chain of the row before it followed by this checksum.';
        COMMENT ON COLUMN public.tradewire_migrations.state IS
            'applied; or running: a no-transaction file that did not reach its end yet.';
        COMMENT ON COLUMN public.tradewire_migrations.statements_done IS 'How many statements of the file are done.';
        COMMENT ON COLUMN public.tradewire_migrations.statements IS
            'How many statements the file has; 0 while running: it is being taken back.';
        COMMENT ON COLUMN public.tradewire_migrations.applied_at IS 'When its transaction began.';
        COMMENT ON COLUMN public.tradewire_migrations.duration_ms IS 'How long the file took, ms.';
        COMMENT ON COLUMN public.tradewire_migrations.applied_by IS 'The role that was logged in.';
        COMMENT ON COLUMN public.tradewire_migrations.run_id IS
            'Which run of migrate it was; also in its application_name.';
        COMMENT ON COLUMN public.tradewire_migrations.is_contract IS
            'The file takes away what programs of the release before it use.';
        COMMENT ON COLUMN public.tradewire_migrations.changes IS
            'Digest after it of every catalog object that the file added or changed, null where it dropped one. '
            'While running: digests of the whole catalog before it.';
        COMMENT ON COLUMN public.tradewire_migrations.note IS
            'Why the row is here where up did not apply the file: baseline, repair, adopted.';
    END IF;
END
$$
