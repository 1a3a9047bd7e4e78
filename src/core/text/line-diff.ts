/** Lines of context around a change. */
const AROUND = 3;

interface Edit {
  readonly kind: " " | "-" | "+";
  readonly line: string;
}

/** The difference of two texts as `diff -u` shows it, without its two headings; empty where there is none. Pure. */
export function lineDiff(before: string, after: string): readonly string[] {
  const edits = editsOf(before.split("\n"), after.split("\n"));
  const isShown = edits.map((_, index) =>
    edits.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== " "),
  );
  const shown: string[] = [];
  let [old, now] = [1, 1];
  for (const [index, { kind, line }] of edits.entries()) {
    if (isShown[index] === true) {
      if (isShown[index - 1] !== true) shown.push(heading(edits, isShown, index, old, now));
      shown.push(`${kind}${line}`);
    }
    if (kind !== "+") old += 1;
    if (kind !== "-") now += 1;
  }
  return shown;
}

function heading(edits: readonly Edit[], isShown: readonly boolean[], from: number, old: number, now: number): string {
  let [removed, added] = [0, 0];
  for (let at = from; isShown[at] === true; at += 1) {
    if (edits[at]?.kind !== "+") removed += 1;
    if (edits[at]?.kind !== "-") added += 1;
  }
  return `@@ -${old},${removed} +${now},${added} @@`;
}

/** The longest common lines stay; between them, first what goes, then what comes. */
function editsOf(before: readonly string[], after: readonly string[]): readonly Edit[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  const same = (line: string): Edit => ({ kind: " ", line });
  return [
    ...before.slice(0, head).map(same),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function middle(before: readonly string[], after: readonly string[]): readonly Edit[] {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      edits.push({ kind: " ", line: before[i] ?? "" });
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && at(i + 1, j) >= at(i, j + 1))) {
      edits.push({ kind: "-", line: before[i] ?? "" });
      i += 1;
    } else {
      edits.push({ kind: "+", line: after[j] ?? "" });
      j += 1;
    }
  }
  return edits;
}
