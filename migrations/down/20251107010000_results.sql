-- Drops the functions that apply results; what they wrote stays.
DROP FUNCTION public.unmatched_forget, public.unmatched_done, public.unmatched_ready, public.apply_results, public.judge_results;
DROP TYPE public.result_judged;
