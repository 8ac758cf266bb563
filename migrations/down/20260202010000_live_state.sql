-- Drops what agents reported last, and the answers kept for requests that come again.
DROP TABLE public.agent_state, public.idempotency_keys;
