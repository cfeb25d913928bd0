/** The command line from its source, whatever `dist/` holds. */
import { main } from '../../src/main.js';

process.exitCode = await main(process.argv.slice(2));
