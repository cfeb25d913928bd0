-- Why: a Redis that lost the end of a partition must not charge the accounts that had moved away by
-- then; recovery asks who went behind an entry of its outbox.
CREATE INDEX account_events_departures ON tolld.account_events (partition, epoch, entry)
  WHERE change = 'moved-out';
