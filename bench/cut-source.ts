/** A library whose function is cut off before one of its statements. */
export interface Cut {
  /** The statement that is not reached any more; the whole script where it is empty. */
  readonly statement: string;
  readonly source: string;
}

/**
 * One variant of the library per statement at the top of the profiled function, and the whole.
 * @param cut what stands in front of the statement
 */
export function cutSource(source: string, profiled: string, cut: string): Cut[] {
  const lines = source.split('\n');
  const first =
    lines.findIndex((line) => line.replace(/^local /, '').startsWith(`function ${profiled}(`)) + 1;
  if (first === 0) throw new Error(`no function ${profiled} in the library`);
  const last = lines.findIndex((line, index) => index > first && line === 'end');
  const cuts: Cut[] = [];
  for (let index = first; index < last; index += 1) {
    const line = lines[index] ?? '';
    if (!/^ {2}[a-z]/.test(line) || /^ {2}(end|else|elseif|then|do|and|or|return)\b/.test(line))
      continue;
    const shortened = [...lines.slice(0, index), cut, ...lines.slice(index)].join('\n');
    cuts.push({ statement: line.trim(), source: shortened });
  }
  cuts.push({ statement: '', source });
  return cuts;
}
