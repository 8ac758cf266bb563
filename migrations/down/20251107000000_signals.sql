-- Drops the functions that write signals; signals and jobs stay.
DROP FUNCTION public.count_duplicates, public.write_signals, public.take_signal_keys, public.supersede_entries,
    public.lock_entries, public.later_close_exists, public.settle_signals;
