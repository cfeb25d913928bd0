/** `npm start`: everything a fresh machine needs, then tolld with a demo operator. */
import { enableTypeScript, prepare } from './bootstrap.mjs';

await prepare();
await enableTypeScript();
const { runStart } = await import('../src/local/start.ts');
process.exitCode = await runStart(process.argv.slice(2));
