/** What a database holds: enough to say whether another one holds the same, without the rows themselves. */
export interface Contents {
  readonly tables: readonly TableContents[];
  /** How many there are of each kind of thing: `indexes`, `constraints`, `functions`. */
  readonly objects: Readonly<Record<string, number>>;
  /** Where sequences stood before anything else was read; absent: nobody has looked. */
  readonly sequences?: readonly SequencePosition[];
}

export interface SequencePosition {
  /** With its schema: `public.orders_id_seq`. */
  readonly name: string;
  /** The last number that was given; before the first, the one before that. A text: it is longer than a number can be. */
  readonly last: string;
  readonly isDescending: boolean;
}

export interface TableContents {
  /** With its schema where there are schemas: `public.orders`. */
  readonly name: string;
  readonly rows: number;
  /** A sum over all rows that does not depend on their order. A text: it is longer than a number can be. */
  readonly checksum: string;
}

/** One thing that the copy has otherwise, as a sentence without its full stop. */
export function differences(source: Contents, copy: Contents): readonly string[] {
  const there = new Map(copy.tables.map((table) => [table.name, table]));
  const known = new Set(source.tables.map(({ name }) => name));
  return [
    ...source.tables.flatMap((table) => tableDifference(table, there.get(table.name))),
    ...copy.tables.filter(({ name }) => !known.has(name)).map(({ name }) => `${name} is there and was not`),
    ...Object.entries(source.objects).flatMap(([kind, count]) => {
      const found = copy.objects[kind] ?? 0;
      return found === count ? [] : [`${count} ${kind} became ${found}`];
    }),
    ...sequenceDifferences(source.sequences ?? [], copy.sequences ?? []),
  ];
}

/** They move on while a backup is made, and one that stands further back would give numbers twice. */
function sequenceDifferences(
  source: readonly SequencePosition[],
  copy: readonly SequencePosition[],
): readonly string[] {
  const there = new Map(copy.map((sequence) => [sequence.name, sequence]));
  return source.flatMap(({ name, last, isDescending }) => {
    const found = there.get(name);
    if (found === undefined) return [];
    const isBehind = isDescending ? BigInt(found.last) > BigInt(last) : BigInt(found.last) < BigInt(last);
    return isBehind ? [`sequence ${name} stands at ${found.last}, and had reached ${last}`] : [];
  });
}

function tableDifference(source: TableContents, copy: TableContents | undefined): readonly string[] {
  if (copy === undefined) return [`${source.name} is missing`];
  if (copy.rows !== source.rows) return [`${source.name} has ${copy.rows} rows instead of ${source.rows}`];
  return copy.checksum === source.checksum ? [] : [`${source.name} has as many rows, and other ones`];
}

/** What a table holds now and would no longer after going back to a backup. */
export interface TableLoss {
  readonly name: string;
  /** null: the backup does not know the table. */
  readonly before: number | null;
  /** null: it is gone by now. */
  readonly now: number | null;
}

/** The tables that a restore changes, those with most rows to lose first. */
export function lossesOf(backup: Contents, now: Contents): readonly TableLoss[] {
  const then = new Map(backup.tables.map((table) => [table.name, table]));
  const still = new Set(now.tables.map(({ name }) => name));
  const changed = now.tables.flatMap((table): TableLoss[] => {
    const old = then.get(table.name);
    if (old?.rows === table.rows && old.checksum === table.checksum) return [];
    return [{ name: table.name, before: old?.rows ?? null, now: table.rows }];
  });
  const gone = backup.tables
    .filter(({ name }) => !still.has(name))
    .map(({ name, rows }) => ({ name, before: rows, now: null }));
  return [...changed, ...gone].sort((a, b) => newer(b) - newer(a));
}

function newer({ before, now }: TableLoss): number {
  return (now ?? 0) - (before ?? 0);
}

/** One line of what a restore changes. */
export function lossSentence({ name, before, now }: TableLoss): string {
  if (now === null) return `${name}: gone now, comes back with ${countOf(before ?? 0)}`;
  if (before === null) return `${name}: newer than the backup, goes with ${countOf(now)}`;
  if (now > before)
    return `${name}: ${countOf(now - before)} newer than the backup (${now} now, ${before} then); changes to others are undone`;
  if (now < before)
    return `${name}: ${countOf(before - now)} deleted since come back (${now} now, ${before} then); changes to others are undone`;
  return `${name}: ${countOf(now)}, and what was changed in them since is undone`;
}

export function countOf(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

export function rowsOf({ tables }: Contents): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}
