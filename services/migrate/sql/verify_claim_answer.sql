-- What verify_claim.sql left in its transaction's settings: what came of the claim; why it was not tried, else ''.
SELECT current_setting('tradewire.claim_found'), current_setting('tradewire.claim_skipped')
