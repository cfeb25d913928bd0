/** The kinds of settings there are: what each accepts and how it says so. */
import { z } from 'zod';

export interface Setting<Value> {
  /** One or two sentences for the person who sets it. */
  readonly meaning: string;
  readonly fallback: Value;
  /** What a value must be, as the end of a sentence: "a whole number from 1 to 10". */
  readonly expected: string;
  /** Accepts the text of an environment variable as well as the value of a file. */
  readonly schema: z.ZodType<Value>;
  /** What must not be shown of a value: nothing, a password inside it, or all of it. */
  readonly secret: 'no' | 'url-password' | 'whole';
  /** Names in the environment besides the one made from its place in the table. */
  readonly aliases: readonly string[];
}

interface Told {
  readonly meaning: string;
}

/** A count or a duration; its unit is the end of its name. */
export function wholeNumber(
  options: Told & { readonly fallback: number; readonly min: number; readonly max: number },
): Setting<number> {
  const { meaning, fallback, min, max } = options;
  const digits = z.string().trim().regex(/^\d+$/).transform(Number);
  return {
    meaning,
    fallback,
    expected: `a whole number from ${min} to ${max}`,
    schema: z.union([z.number(), digits]).pipe(z.number().int().min(min).max(max)),
    secret: 'no',
    aliases: [],
  };
}

export function port(options: Told & { readonly fallback: number }): Setting<number> {
  return {
    ...wholeNumber({ ...options, min: 0, max: 65535 }),
    expected: 'a port from 1 to 65535, or 0 for any that is free',
  };
}

export function flag(options: Told & { readonly fallback: boolean }): Setting<boolean> {
  const word = z.enum(['true', 'false']).transform((text) => text === 'true');
  return {
    ...options,
    expected: 'true or false',
    schema: z.union([z.boolean(), word]),
    secret: 'no',
    aliases: [],
  };
}

export function choice<const Word extends string>(
  options: Told & { readonly fallback: NoInfer<Word>; readonly words: readonly Word[] },
): Setting<Word> {
  const { meaning, fallback, words } = options;
  return {
    meaning,
    fallback,
    expected: `one of ${words.join(', ')}`,
    schema: z.enum(words),
    secret: 'no',
    aliases: [],
  };
}

/** Some of a few words, each once; in the environment with commas between them. */
export function words<const Word extends string>(
  options: Told & { readonly fallback: readonly NoInfer<Word>[]; readonly words: readonly Word[] },
): Setting<readonly Word[]> {
  const { meaning, fallback } = options;
  const inText = z.string().transform((value) => value.split(',').map((word) => word.trim()));
  const list = z.array(z.enum(options.words)).min(1);
  return {
    meaning,
    fallback: Object.freeze([...fallback]),
    expected: `some of ${options.words.join(', ')}, with commas between them`,
    schema: z
      .union([z.array(z.string()), inText])
      .pipe(list)
      .transform((found) => [...new Set(found)]),
    secret: 'no',
    aliases: [],
  };
}

export function text(
  options: Told & {
    readonly fallback: string;
    readonly pattern: RegExp;
    readonly expected: string;
  },
): Setting<string> {
  const { pattern, ...rest } = options;
  return { ...rest, schema: z.string().trim().regex(pattern), secret: 'no', aliases: [] };
}

const HOST_AND_PORT = /^(\[[0-9A-Fa-f:]+\]|[0-9A-Za-z._-]+):\d{1,5}$/;

/** Addresses of servers, `host:port`; in the environment with commas between them. */
export function addresses(options: Told): Setting<readonly string[]> {
  const inText = z
    .string()
    .transform((value) => value.split(',').filter((part) => part.trim() !== ''));
  return {
    ...options,
    fallback: Object.freeze([]),
    expected: 'addresses as host:port, with commas between them',
    schema: z
      .union([z.array(z.string()), inText])
      .pipe(z.array(z.string().trim().regex(HOST_AND_PORT))),
    secret: 'no',
    aliases: [],
  };
}

export function url(
  options: Told & {
    readonly fallback: string;
    readonly protocols: readonly string[];
    readonly alias: string;
  },
): Setting<string> {
  const { meaning, fallback, protocols, alias } = options;
  const valid = (value: string): boolean =>
    URL.canParse(value) && protocols.includes(new URL(value).protocol);
  return {
    meaning,
    fallback,
    expected: `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    schema: z.string().trim().refine(valid),
    secret: 'url-password',
    aliases: [alias],
  };
}

/** Secrets, newest first, with commas between them: an older one stays while things need it. */
export function secretList(
  options: Told & { readonly lengthMin: number; readonly lengthMax: number },
): Setting<readonly string[]> {
  const { meaning, lengthMin, lengthMax } = options;
  const secret = z.string().trim().min(lengthMin).max(lengthMax);
  const inText = z
    .string()
    .transform((value) => value.split(',').filter((part) => part.trim() !== ''));
  return {
    meaning,
    fallback: Object.freeze([]),
    expected: `secrets of at least ${lengthMin} characters, newest first, with commas between them`,
    schema: z.union([z.array(z.string()), inText]).pipe(z.array(secret)),
    secret: 'whole',
    aliases: [],
  };
}
