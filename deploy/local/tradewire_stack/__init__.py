"""A whole Tradewire on one machine: Kafka, Postgres, every program, simulated terminals.

The demo and the tests start the same stack through this package; nothing else knows how to.
Needs Debian's python3 only.
"""
