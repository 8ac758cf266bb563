-- The programs' roles, those that are there, may read which versions are applied.
DO $$
DECLARE
    v_role text;
BEGIN
    FOR v_role IN
        SELECT rolname FROM pg_roles
        WHERE rolname IN ('tradewire_ingester', 'tradewire_dispatcher', 'tradewire_gateway', 'tradewire_sync',
                          'tradewire_operator')
          AND NOT has_column_privilege(oid, 'public.tradewire_migrations', 'version', 'SELECT')
    LOOP
        EXECUTE format('GRANT SELECT (version, state, is_contract) ON public.tradewire_migrations TO %I', v_role);
    END LOOP;
END
$$
