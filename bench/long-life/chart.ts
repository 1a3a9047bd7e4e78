import type { Sample } from "./sample.ts";

const WIDTH = 760;
const PANEL = { height: 150, left: 64, right: 130, top: 34, gap: 46 };
const COLOURS = ["#1f6f8b", "#c8553d", "#588157", "#6d597a"];

interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** The samples as an SVG: memory, descriptors, processes and files, the journal, each over the number of releases. */
export function chart(samples: readonly Sample[]): string {
  const names = Object.keys(samples[0]?.processes ?? {});
  const of = (value: (sample: Sample) => number): readonly number[] => samples.map(value);
  const panels: readonly Panel[] = [
    {
      title: "Memory, MB (RSS)",
      lines: names.map((name) => ({ name, values: of(({ processes }) => processes[name]?.rssMb ?? 0) })),
    },
    {
      title: "Open descriptors",
      lines: names.map((name) => ({ name, values: of(({ processes }) => processes[name]?.openFiles ?? 0) })),
    },
    {
      title: "Processes, and files in the state folder",
      lines: [
        { name: "processes", values: of(({ processCount }) => processCount) },
        { name: "files", values: of(({ files }) => files) },
      ],
    },
    { title: "Journal, MB", lines: [{ name: "journal.db", values: of(({ journalMb }) => journalMb) }] },
  ];
  const height = PANEL.top + panels.length * (PANEL.height + PANEL.gap);
  const last = samples.at(-1)?.releases ?? 1;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...panels.map((panel, index) => draw(panel, samples, PANEL.top + index * (PANEL.height + PANEL.gap), last)),
    "</svg>",
    "",
  ].join("\n");
}

function draw({ title, lines }: Panel, samples: readonly Sample[], top: number, last: number): string {
  const right = WIDTH - PANEL.right;
  const bottom = top + PANEL.height;
  const highest = niceAbove(Math.max(1, ...lines.flatMap(({ values }) => values)));
  const x = (releases: number): number => PANEL.left + ((right - PANEL.left) * releases) / last;
  const y = (value: number): number => bottom - (PANEL.height * value) / highest;
  const level = (value: number): string =>
    `<line x1="${PANEL.left}" y1="${y(value)}" x2="${right}" y2="${y(value)}" stroke="#dddddd"/>` +
    `<text x="${PANEL.left - 8}" y="${y(value) + 4}" text-anchor="end" fill="#555555">${value}</text>`;
  const line = ({ name, values }: Line, index: number): string => {
    const colour = COLOURS[index % COLOURS.length] ?? "#000000";
    const points = values.map((value, at) => `${x(samples[at]?.releases ?? 0).toFixed(1)},${y(value).toFixed(1)}`);
    return (
      `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<text x="${right + 10}" y="${top + 14 + index * 16}" fill="${colour}">${name}: ${values.at(-1) ?? ""}</text>`
    );
  };
  return [
    `<text x="${PANEL.left}" y="${top - 10}" font-weight="600">${title}</text>`,
    level(0),
    level(highest / 2),
    level(highest),
    ...lines.map(line),
    `<text x="${right}" y="${bottom + 18}" text-anchor="end" fill="#555555">${last} releases</text>`,
  ].join("\n");
}

/** The next round number, so that the middle of the axis is one too. */
function niceAbove(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * unit >= value) ?? 10) * unit;
}
