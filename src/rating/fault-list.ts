import { TARIFF_LIMITS, type TariffFault } from './tariff.js';

/** Collects the faults of a declaration, so that all are told at once. */
export class FaultList {
  readonly #faults: TariffFault[] = [];

  add(path: string, message: string, remedy: string): void {
    this.#faults.push({ path, message, remedy });
  }

  get faults(): readonly TariffFault[] {
    return this.#faults;
  }

  /** An identifier that may travel in events, keys and file names. */
  checkId(path: string, id: string): void {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id) && id.length <= TARIFF_LIMITS.idLengthMax) return;
    this.add(
      path,
      `"${id.slice(0, 80)}" is not an identifier`,
      'use letters, digits, ".", "_" and "-", beginning with a letter or digit, ' +
        `${TARIFF_LIMITS.idLengthMax} at most`,
    );
  }

  /** Identifiers of one list: each well-formed, none twice. Returns where each stands. */
  checkIds(path: string, entries: readonly { readonly id: string }[]): ReadonlyMap<string, number> {
    const places = new Map<string, number>();
    for (const [index, { id }] of entries.entries()) {
      this.checkId(`${path}[${index}].id`, id);
      const first = places.get(id);
      if (first === undefined) places.set(id, index);
      else {
        this.add(`${path}[${index}].id`, `"${id}" is also ${path}[${first}]`, 'rename one of them');
      }
    }
    return places;
  }

  checkLength(path: string, length: number, lengthMax: number): void {
    if (length <= lengthMax) return;
    this.add(path, `${length} entries are more than ${lengthMax}`, 'split the tariff');
  }

  /** A whole number in [min, max]; adds a fault and returns false otherwise. */
  checkWhole(path: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): boolean {
    if (Number.isSafeInteger(value) && value >= min && value <= max) return true;
    this.add(path, `${value} is not a whole number from ${min} to ${max}`, 'write one that is');
    return false;
  }
}
