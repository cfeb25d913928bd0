/** `npm test`: everything the tests need, then all of them. */
import { enableTypeScript, prepare } from './bootstrap.mjs';

await prepare();
await enableTypeScript();
const { runEverything } = await import('./run-tests.ts');
process.exitCode = await runEverything();
