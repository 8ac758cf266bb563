-- Drops positions in Kafka, kept results and the audit log, rows included.
DROP TABLE public.audit_log, public.unmatched_results, public.consumer_offsets;
DROP FUNCTION public.audit_log_refuse(), public.add_month_partitions(text, int);
