-- Why: a host whose peer was retired may be declared again under another name.

ALTER TABLE tolld.diameter_peers DROP CONSTRAINT diameter_peers_origin_host_key;
CREATE UNIQUE INDEX diameter_peers_origin_host ON tolld.diameter_peers (lower(origin_host))
  WHERE state = 'active';
