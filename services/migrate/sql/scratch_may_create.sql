-- May this role make databases? One boolean.
SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user
