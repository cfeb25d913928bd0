/** `npm start`: everything a fresh machine needs, then tolld with a demo operator. */
import { enableTypeScript, prepare } from './bootstrap.mjs';

await prepare();
await enableTypeScript();
const { runStart } = await import('../src/local/start.ts');
// Everything of ours is closed by now; what a failure left open must not keep the terminal.
process.exit(await runStart(process.argv.slice(2)));
