-- Drops what remembers an installation. Roles stay: they are the whole cluster's.
DROP PROCEDURE public.installation_remember, public.installation_drop_columns, public.installation_drop_indexes,
    public.installation_tell, public.installation_add_constraint, public.installation_set_not_null,
    public.installation_restore_index,
    public.installation_restore_constraints, public.installation_restore_options, public.installation_validate, public.installation_unvalidate,
    public.installation_drop_policies, public.installation_restore_policies, public.installation_rule,
    public.installation_small_rule, public.installation_drop_views, public.installation_restore_views;
DROP FUNCTION public.installation_definition, public.installation_takes, public.installation_had;
DROP TABLE public.installation_rows, public.installation_before;
