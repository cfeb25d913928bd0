-- Why: staff may take a bucket below its floor, or raise the floor above what is left; the event says
-- so, and the ledger is where an auditor asks for it.
ALTER TABLE tolld.ledger_entries ADD COLUMN below_floor boolean NOT NULL DEFAULT false;
