import { parseArgs } from 'node:util';

/**
 * Reads the flags of a measurement that has none but whole numbers, each with its default.
 * @throws Error for a flag that is not among them or is no whole number.
 */
export function readNumbers<Name extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Name, number>>,
): Readonly<Record<Name, number>> {
  const options = Object.entries<number>(defaults).map(
    ([name, number]) => [name, { type: 'string', default: String(number) }] as const,
  );
  const { values } = parseArgs({ args: [...args], options: Object.fromEntries(options) });
  return wholeNumbers(values as Readonly<Record<Name, string>>);
}

/**
 * Flags that are whole numbers, from their texts as `parseArgs` gives them.
 * @throws Error that names the first one which is no whole number.
 */
export function wholeNumbers<Name extends string>(
  texts: Readonly<Record<Name, string>>,
): Readonly<Record<Name, number>> {
  const numbers = Object.entries<string>(texts).map(([name, text]) => {
    if (!/^\d+$/.test(text)) throw new Error(`--${name}: "${text}" is no whole number`);
    return [name, Number(text)] as const;
  });
  return Object.fromEntries(numbers) as Record<Name, number>;
}
