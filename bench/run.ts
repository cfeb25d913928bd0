/** `npm run bench -- NAME [flags]`: runs one measurement. Each prints one JSON line last. */
const QUESTIONS: Readonly<Record<string, string>> = {
  engine: 'the charge script against the bare one, and where its time goes',
  'charge-profile': 'what each statement of a charge costs in Redis',
  'account-layout': 'one packed value per account, or a hash cut into fields?',
  'session-layout': 'one packed value per session, or a hash cut into fields?',
  durability: 'what it costs that no answer leaves before its fsync',
  'access-engine': 'what RADIUS logins and reports cost in Redis',
  'access-profile': 'what each statement of a login or a report costs in Redis',
  'diameter-codec': 'Credit-Control messages decoded and encoded by a core',
  'gy-front': 'what Node does for a Gy request beside its round trip to Redis',
  'radius-codec': 'RADIUS packets decoded and encoded by a core',
  'radius-flood': 'what a NAS notices while strangers flood the ports',
  rating: 'rating decisions of a core',
  'radius-accounting': 'durable RADIUS reports and logins per second, against FreeRADIUS with SQL',
  'radius-rates':
    'the highest rate of RADIUS reports that is answered in time, against FreeRADIUS with SQL',
  'record-cost': 'what a login and a report cost in the record',
  flusher: 'events per second from the outbox to Postgres',
  backlog: 'what those who charge notice while a million events drain to Postgres',
  'record-queries': 'what staff ask of a record of ten million events',
};

/** A measurement with flags exports `run`; one without does its work when it is loaded. */
interface Measurement {
  readonly run?: (args: readonly string[]) => Promise<void>;
}

const [name = '', ...args] = process.argv.slice(2);
if (QUESTIONS[name] === undefined) {
  console.error('usage: npm run bench -- NAME [flags]');
  for (const [known, question] of Object.entries(QUESTIONS)) {
    console.error(`  ${known.padEnd(18)} ${question}`);
  }
  process.exitCode = 2;
} else {
  const measurement = (await import(`./${name}.js`)) as Measurement;
  await measurement.run?.(args);
}
