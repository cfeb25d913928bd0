/**
 * The kinds of fields of an operator file. The message of each schema is the end of the sentence
 * "write …": `shape-fault.ts` puts what was found before it.
 */
import { z } from 'zod';
import { QUANTITY_PATTERN } from './quantity.js';

/** Longest list taken, so that a file can't exhaust the process that reads it. */
const ENTRIES_MAX = 100_000;
const TEXT_LENGTH_MAX = 256;

const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const DECIMAL = /^\d{1,16}(\.\d{1,15})?$/;
const SIGNED_DECIMAL = /^-?\d{1,16}(\.\d{1,15})?$/;
/** Octets of a PAP password [RFC 2865 5.2]; a longer shared secret helps nobody either. */
const SECRET_LENGTH_MAX = 128;
const BIT_RATE_PATTERN = /^[1-9]\d{0,9}(\.\d{1,3})?[kMG]?$/;
const IPV4_PATTERN = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** `expected` is also what the documentation says of the field. */
function textLike(pattern: RegExp, expected: string) {
  return z.string({ error: expected }).regex(pattern, { error: expected }).meta({ expected });
}

/** A name that travels in events, keys and file names. */
export function identifier() {
  return textLike(
    IDENTIFIER,
    'letters, digits, ".", "_" and "-", beginning with a letter or digit, 64 at most',
  ).meta({ expected: 'an identifier' });
}

/** Words for people. */
export function label() {
  const expected = `text of 1 to ${TEXT_LENGTH_MAX} characters`;
  return z
    .string({ error: expected })
    .min(1, { error: expected })
    .max(TEXT_LENGTH_MAX, { error: expected })
    .meta({ expected });
}

/** Text of the wire: no character that could end a line or a log. */
export function wireText(expected: string) {
  return textLike(/^[^\p{Cc}]{1,256}$/u, expected);
}

/** A DiameterIdentity: a host or realm name [RFC 6733 4.3.1]. */
export function domainName() {
  return textLike(
    /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/,
    'a domain name',
  );
}

/** Money that is never negative, as text, so that no digit is lost. */
export function decimal() {
  return textLike(DECIMAL, 'a decimal number in quotes, such as "12.50"');
}

/** Money that may be negative. */
export function signedDecimal() {
  return textLike(SIGNED_DECIMAL, 'a decimal number in quotes, such as "-12.50"');
}

/** Units as a whole number or with their measure; which measures fit depends on the unit. */
export function quantity() {
  const expected = 'a whole number, or one with its measure in octets ("5 GB") or time ("90 min")';
  return z
    .union([z.int().min(0), z.string().regex(QUANTITY_PATTERN)], { error: expected })
    .meta({ expected });
}

/** Money or units, where the resource decides which. */
export function balance() {
  const expected =
    'money in quotes ("12.50"), or units: a whole number or one with its measure ("5 GB")';
  return z
    .union([z.int().min(0), z.string().regex(QUANTITY_PATTERN), z.string().regex(DECIMAL)], {
      error: expected,
    })
    .meta({ expected });
}

/** How far below zero money may go. */
export function limit() {
  const expected = 'a decimal number in quotes, such as "50.00", or unlimited';
  return z
    .union([z.string().regex(DECIMAL), z.literal('unlimited')], { error: expected })
    .meta({ expected });
}

/** A time of day on the wall's clock. */
export function timeOfDay() {
  return textLike(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a time of day in quotes, "HH:MM"');
}

/** A moment: ISO 8601, in the tenant's time zone where it carries no offset. */
export function timestamp() {
  return textLike(
    TIMESTAMP,
    'a date or time of ISO 8601, such as "2027-01-31" or "2027-01-31T18:00"',
  );
}

export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .int({ error: expected })
    .min(min, { error: expected })
    .max(max, { error: expected })
    .meta({ expected });
}

export function flag() {
  return z.boolean({ error: 'true or false' }).meta({ expected: 'true or false' });
}

export function choice<const Word extends string>(words: readonly Word[]) {
  const expected = `one of ${words.join(', ')}`;
  return z.enum(words, { error: expected }).meta({ expected });
}

/** A list that may be empty. */
export function listOf<Entry extends z.ZodType>(entry: Entry) {
  return z
    .array(entry, { error: 'a list' })
    .max(ENTRIES_MAX, { error: `a list of at most ${ENTRIES_MAX} entries` });
}

/** A list that says something: empty, it would match nothing. */
export function someOf<Entry extends z.ZodType>(entry: Entry) {
  return listOf(entry).min(1, { error: 'a list of at least one' });
}

/** A secret: what it is, is never shown. The fields of `SECRET_FIELDS` are of this kind. */
export function secretText() {
  const expected = `a secret in quotes, of 1 to ${SECRET_LENGTH_MAX} characters`;
  return z
    .string({ error: expected })
    .min(1, { error: expected })
    .max(SECRET_LENGTH_MAX, { error: expected })
    .meta({ expected });
}

/** Names of fields whose values no message may hold. */
export const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'secret',
  'oldSecret',
  'password',
  'ntHash',
]);

/** Bits per second, by a whole number or with k, M or G (powers of 1000). */
export function bitRate() {
  const expected = 'bits per second: a whole number, or one with k, M or G, such as 20M';
  const digits = z.string({ error: expected }).regex(BIT_RATE_PATTERN, { error: expected });
  return z
    .union([z.int({ error: expected }).min(1, { error: expected }), digits], { error: expected })
    .meta({ expected });
}

/** An IPv4 address in dotted decimals. */
export function ipv4Address() {
  return textLike(IPV4_PATTERN, 'an IPv4 address');
}
