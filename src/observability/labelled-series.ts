/** What a metric keeps for each set of label values, found without making anything for it. */

export type Labels<Label extends string> = Readonly<Record<Label, string | number>>;

interface Labelled<Label extends string, Series> {
  readonly labels: Labels<Label>;
  readonly series: Series;
}

export class LabelledSeries<Label extends string, Series> {
  readonly #names: readonly Label[];
  readonly #create: () => Series;
  readonly #byValues = new Map<string, Labelled<Label, Series>>();

  /** Without names there is one series, and it is there from the beginning. */
  constructor(names: readonly Label[], create: () => Series) {
    this.#names = names;
    this.#create = create;
    if (names.length === 0) this.unlabelled();
  }

  of(labels: Labels<Label>): Series {
    const names = this.#names;
    let key = '';
    for (let at = 0; at < names.length; at += 1) {
      const value = String(labels[names[at] as Label]);
      key = at === 0 ? value : `${key}\n${value}`;
    }
    let known = this.#byValues.get(key);
    if (known === undefined) {
      known = { labels: { ...labels }, series: this.#create() };
      this.#byValues.set(key, known);
    }
    return known.series;
  }

  /** The one of a metric without names. */
  unlabelled(): Series {
    return this.of({} as Labels<Label>);
  }

  /** The series of values in the order of the names. */
  ofValues(values: readonly (string | number)[]): Series {
    const named = this.#names.map((name, at): [string, string | number] => [
      name,
      values[at] ?? '',
    ]);
    return this.of(Object.fromEntries(named) as Labels<Label>);
  }

  all(): readonly Labelled<Label, Series>[] {
    return [...this.#byValues.values()];
  }
}
