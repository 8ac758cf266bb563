-- Drops the compiled programs; their rows stay.
ALTER TABLE public.ea_artifacts DROP COLUMN content;
