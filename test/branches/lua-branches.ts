/** Puts counters into a Lua file: one for each way that it can go. */
import luaparse, { type Node } from 'luaparse';

/** One way through the scripts, and how its count is had from the counters. */
export interface Branch {
  /** Below lua/, without its ending. */
  readonly file: string;
  /** The function around it, "main" for what stands outside of functions. */
  readonly place: string;
  /** What of it is counted, with its text: `if used > 0: not so`. */
  readonly what: string;
  /** It was gone as often as this counter says … */
  readonly counter: number;
  /** … less this one: an operand decides where the one behind it is not asked. */
  readonly less: number | null;
}

export interface CountedFile {
  readonly text: string;
  readonly branches: readonly Branch[];
  /** Counters from `first` up to here were used. */
  readonly next: number;
}

/** The name by which a counted file calls what counts; it returns true. */
export const COUNT = 'scripts.count_branch';
/** The name by which it tells of a bucket that goes from one state to another. */
export const MOVE = 'scripts.count_move';

interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Counts in one file; counters are numbered from `first` on, over all files of a library. */
export function countBranches(file: string, lua: string, first: number): CountedFile {
  return new FileCounter(file, lua, first).counted();
}

class FileCounter {
  readonly #file: string;
  readonly #lua: string;
  readonly #insertions: Insertion[] = [];
  readonly #branches: Branch[] = [];
  #next: number;
  #place = 'main';

  constructor(file: string, lua: string, first: number) {
    this.#file = file;
    this.#lua = lua;
    this.#next = first;
  }

  counted(): CountedFile {
    // The parser does not know the line that names engine and flags.
    const chunk = luaparse.parse(this.#lua.replace(/^#!/, '--'), {
      luaVersion: '5.1',
      ranges: true,
      comments: false,
    });
    for (const node of chunk.body) this.#visit(node);
    return { text: this.#withInsertions(), branches: this.#branches, next: this.#next };
  }

  #withInsertions(): string {
    // Of two at one place the one that was asked for first stands in front.
    const ordered = this.#insertions.toSorted((a, b) => a.at - b.at);
    let text = '';
    let from = 0;
    for (const insertion of ordered) {
      text += this.#lua.slice(from, insertion.at) + insertion.text;
      from = insertion.at;
    }
    return text + this.#lua.slice(from);
  }

  #visit(node: Node): void {
    switch (node.type) {
      case 'FunctionDeclaration':
        this.#visitFunction(node);
        return;
      case 'IfStatement':
        this.#visitIf(node);
        return;
      case 'WhileStatement':
        this.#countBody(node.body, `while ${this.#textOf(node.condition)}: gone through`);
        break;
      case 'ForNumericStatement':
      case 'ForGenericStatement':
        this.#countBody(node.body, `${this.#headOf(node, node.body)}: gone through`);
        break;
      case 'LogicalExpression':
        this.#visitOperands(node);
        return;
      default:
        break;
    }
    for (const child of childrenOf(node)) this.#visit(child);
  }

  #visitFunction(node: Extract<Node, { type: 'FunctionDeclaration' }>): void {
    const around = this.#place;
    if (node.identifier !== null) this.#place = this.#textOf(node.identifier);
    const name = node.identifier === null ? this.#headOf(node, node.body) : this.#place;
    this.#countBody(node.body, `${name}: called`);
    if (name === 'change_state') {
      this.#insert(startOf(node.body), `${MOVE}(bucket[BUCKET_STATE], state, cause); `);
    }
    for (const child of node.body) this.#visit(child);
    this.#place = around;
  }

  #visitIf(node: Extract<Node, { type: 'IfStatement' }>): void {
    const conditions: string[] = [];
    for (const clause of node.clauses) {
      if (clause.type === 'ElseClause') {
        this.#countBody(clause.body, `if ${conditions.join(' / ')}: else`);
      } else {
        conditions.push(this.#textOf(clause.condition));
        this.#countBody(clause.body, `if ${this.#textOf(clause.condition)}: so`);
        this.#visit(clause.condition);
      }
      for (const child of clause.body) this.#visit(child);
    }
    if (node.clauses.at(-1)?.type !== 'ElseClause') {
      const counter = this.#branch(`if ${conditions.join(' / ')}: not so`);
      this.#insert(rangeOf(node)[1] - 'end'.length, `else ${COUNT}(${counter}) `);
    }
  }

  /** `a and b and c` as three operands: each but the last may decide, the last is what is left. */
  #visitOperands(node: Extract<Node, { type: 'LogicalExpression' }>): void {
    const { operator } = node;
    const operands: Node[] = [node.right];
    let left: Node = node.left;
    const behind: Node[] = [];
    while (left.type === 'LogicalExpression' && left.operator === operator) {
      behind.unshift(left);
      operands.unshift(left.right);
      left = left.left;
    }
    operands.unshift(left);
    const whole = this.#textOf(node);
    const call = operator === 'and' ? `${COUNT}(#) and ` : `not ${COUNT}(#) or `;
    const counters = operands.map(() => this.#counter());
    const lefts = [left, ...behind];
    for (const [index, operand] of operands.entries()) {
      const counter = counters[index] ?? 0;
      const text = call.replace('#', String(counter));
      const before = lefts[index - 1];
      if (before === undefined) this.#insert(rangeOf(operand)[0], text);
      else this.#insert(this.#behindOperator(before, operand, operator), ` ${text}`);
      const own = this.#textOf(operand);
      const less = counters[index + 1] ?? null;
      const what = less === null ? `asked in` : operator === 'and' ? 'denies' : 'suffices for';
      this.#add(`${own}: ${what} ${whole}`, counter, less);
    }
    for (const operand of operands) this.#visit(operand);
  }

  /** The place behind the `and` or `or` between two operands, in front of any parenthesis. */
  #behindOperator(left: Node, right: Node, operator: string): number {
    const from = rangeOf(left)[1];
    const between = this.#lua.slice(from, rangeOf(right)[0]);
    const bare = between.replace(/--[^\n]*/g, (comment) => ' '.repeat(comment.length));
    const at = new RegExp(`\\b${operator}\\b`).exec(bare)?.index;
    if (at === undefined) throw new Error(`${this.#file}: no ${operator} in "${between}"`);
    return from + at + operator.length;
  }

  #countBody(body: readonly Node[], what: string): void {
    const at = startOf(body);
    this.#insert(at, `${COUNT}(${this.#branch(what)}); `);
  }

  #counter(): number {
    const counter = this.#next;
    this.#next += 1;
    return counter;
  }

  #branch(what: string): number {
    const counter = this.#counter();
    this.#add(what, counter, null);
    return counter;
  }

  #add(what: string, counter: number, less: number | null): void {
    const alike = this.#branches.filter((branch) => {
      return branch.place === this.#place && branch.what.replace(/ #\d+$/, '') === what;
    });
    const named = alike.length === 0 ? what : `${what} #${alike.length + 1}`;
    this.#branches.push({ file: this.#file, place: this.#place, what: named, counter, less });
  }

  #insert(at: number, text: string): void {
    this.#insertions.push({ at, text });
  }

  #textOf(node: Node): string {
    return onOneLine(this.#lua.slice(...rangeOf(node)));
  }

  /** What stands in front of a body: `for i = 1, #parts do`. */
  #headOf(node: Node, body: readonly Node[]): string {
    return onOneLine(this.#lua.slice(rangeOf(node)[0], startOf(body)));
  }
}

function onOneLine(lua: string): string {
  return lua
    .replace(/--[^\n]*/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function rangeOf(node: Node): [number, number] {
  // The parser was asked for ranges; its types don't know of them.
  return (node as unknown as { readonly range: [number, number] }).range;
}

function startOf(body: readonly Node[]): number {
  const [first] = body;
  if (first === undefined) throw new Error('a branch without a statement cannot be counted');
  return rangeOf(first)[0];
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node).flat().filter(isNode);
}
