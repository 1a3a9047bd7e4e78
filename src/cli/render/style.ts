import { styleText } from "node:util";

/** What a screen or a pipe can show. */
export interface Style {
  /** Columns that a line may take. */
  readonly width: number;
  readonly colours: boolean;
  /** false: only ASCII, for locales that have nothing else. */
  readonly unicode: boolean;
}

/** What a text means; few, so that colour stays a signal. */
export type Tone = "good" | "bad" | "warn" | "active" | "dim" | "strong" | "plain";

const FORMATS = {
  good: "green",
  bad: ["bold", "red"],
  warn: "yellow",
  active: "cyan",
  dim: "dim",
  strong: "bold",
} as const;

export function paint(style: Style, tone: Tone, text: string): string {
  if (!style.colours || tone === "plain" || text === "") return text;
  return styleText(FORMATS[tone] as Parameters<typeof styleText>[0], text, { validateStream: false });
}

export interface Symbols {
  readonly passed: string;
  readonly running: string;
  readonly waiting: string;
  readonly failed: string;
  readonly skipped: string;
  readonly arrow: string;
  readonly dot: string;
  readonly ellipsis: string;
  /** Before the step after which there is no rollback. */
  readonly noReturn: string;
}

const UNICODE: Symbols = {
  passed: "✔",
  running: "●",
  waiting: "○",
  failed: "✖",
  skipped: "–",
  arrow: "→",
  dot: "·",
  ellipsis: "…",
  noReturn: "┃",
};

const ASCII: Symbols = {
  passed: "+",
  running: "*",
  waiting: "o",
  failed: "x",
  skipped: "-",
  arrow: "->",
  dot: "-",
  ellipsis: "...",
  noReturn: "|",
};

export function symbols(style: Style): Symbols {
  return style.unicode ? UNICODE : ASCII;
}

const SPELLINGS: Readonly<Record<string, string>> = {
  "→": "->",
  "·": "-",
  "…": "...",
  "✔": "+",
  "●": "*",
  "○": "o",
  "✖": "x",
  "┃": "|",
  "×": "x",
  "–": "-",
  "—": "-",
  "•": "*",
  "≥": ">=",
  "≤": "<=",
  "−": "-",
  "“": '"',
  "”": '"',
  "’": "'",
};

/** The text as this style can show it: sentences of the core hold arrows and the like. */
export function spelled(style: Style, text: string): string {
  if (style.unicode) return text;
  return text.replaceAll(/[→·…✔●○✖┃×–—•≥≤−“”’]/g, (sign) => SPELLINGS[sign] ?? "?");
}
