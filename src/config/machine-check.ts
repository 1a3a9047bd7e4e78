import type { MachineCheck } from "../core/plan/checklist.ts";
import { nearest } from "../core/text/nearest.ts";
import { misread, parseBytes, parseDuration, type Parsed, parsed, parsePercent } from "../core/text/units.ts";
import { type Duration, MINUTE, SECOND } from "../core/time/time.ts";

/** How each kind of machine check is written; the message of every mistake in one. */
export const CHECK_SPELLINGS = {
  http: 'http https://shop.example.com/health status 200 contains "ok"',
  command: "command npm run lint",
  file: 'file CHANGELOG.md contains "2.4.0"',
  certificate: "certificate shop.example.com 30 days",
  disk: "disk /var/lib 10 GB free",
  dns: "dns shop.example.com is 203.0.113.7",
  rehearsed: "rehearsed 24h",
} as const;

type CheckKind = keyof typeof CHECK_SPELLINGS;

const HTTP_TIMEOUT: Duration = 10 * SECOND;
const COMMAND_TIMEOUT: Duration = MINUTE;

/** What stands after `check:` in a checklist. `within` is the item's time limit. */
export function parseMachineCheck(written: string, within?: Duration): Parsed<MachineCheck> {
  const text = written.trim();
  const [kind = ""] = text.split(/\s/, 1);
  const rest = text.slice(kind.length).trim();
  const kinds = Object.keys(CHECK_SPELLINGS);
  if (!kinds.includes(kind)) {
    const near = nearest(kind, kinds);
    const meant = near === undefined ? "." : `; did you mean \`${near}\`?`;
    return misread(`\`${kind}\` is no machine check${meant}`, `A check is one of: ${kinds.join(", ")}.`);
  }
  const known = kind as CheckKind;
  if (within !== undefined && known !== "http" && known !== "command")
    return misread(`\`within\` has no meaning for \`${known}\`.`, "It belongs to `http` and `command`.");
  const check = known === "command" ? readCommand(rest, within) : READERS[known](words(rest), within);
  return check === null
    ? misread(`\`${text}\` is not a check of the kind \`${kind}\`.`, `Write it like \`${CHECK_SPELLINGS[known]}\`.`)
    : parsed(check);
}

/** A word of a check; quoted ones keep their spaces. */
interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

function words(text: string): readonly Word[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, inner, bare]) =>
    inner === undefined
      ? { text: bare ?? "", quoted: false }
      : { text: inner.replaceAll(/\\(.)/g, "$1"), quoted: true },
  );
}

type Reader = (words: readonly Word[], within: Duration | undefined) => MachineCheck | null;

const READERS: Readonly<Record<Exclude<CheckKind, "command">, Reader>> = {
  http(words, within) {
    const [url, ...rest] = words;
    const options = optionsOf(rest, ["status", "contains"]);
    if (url === undefined || !/^(https?:\/\/|\$\{)/.test(url.text) || options === null) return null;
    const status = options["status"] ?? "200";
    if (!/^[1-5]\d\d$/.test(status)) return null;
    return {
      kind: "http",
      url: url.text,
      status: Number(status),
      ...containing(options),
      timeoutMs: within ?? HTTP_TIMEOUT,
    };
  },
  file(words) {
    const [path, ...rest] = words;
    const options = optionsOf(rest, ["contains"]);
    return path === undefined || options === null ? null : { kind: "file", path: path.text, ...containing(options) };
  },
  certificate(words) {
    const [where, ...rest] = words.map(({ text }) => text);
    const days = /^(?:for )?(\d+) ?(?:d|days?)$/.exec(rest.join(" "));
    const host = /^([^\s:/]+)(?::(\d{1,5}))?$/.exec(where ?? "");
    if (days === null || host === null) return null;
    return { kind: "certificate", host: host[1] ?? "", port: Number(host[2] ?? 443), days: Number(days[1]) };
  },
  disk(words) {
    const [path, ...rest] = words.map(({ text }) => text);
    const amount = /^(.*?)(?: free)?$/.exec(rest.join(" "))?.[1] ?? "";
    if (path === undefined) return null;
    const percent = parsePercent(amount);
    if (percent.ok && percent.value <= 1)
      return { kind: "disk", path, freePercent: Number((percent.value * 100).toFixed(6)) };
    const bytes = parseBytes(amount);
    return bytes.ok ? { kind: "disk", path, freeBytes: bytes.value } : null;
  },
  dns(words) {
    const [name, ...rest] = words.map(({ text }) => text);
    const [is, address, more] = rest;
    if (name === undefined || more !== undefined) return null;
    if (is === undefined) return { kind: "dns", name };
    return is === "is" && address !== undefined ? { kind: "dns", name, address } : null;
  },
  rehearsed(words) {
    const [within, more] = words.map(({ text }) => text);
    const time = parseDuration(within ?? "");
    return time.ok && time.value > 0 && more === undefined ? { kind: "rehearsed", withinMs: time.value } : null;
  },
};

function readCommand(command: string, within: Duration | undefined): MachineCheck | null {
  return command === "" ? null : { kind: "command", command, timeoutMs: within ?? COMMAND_TIMEOUT };
}

function containing(options: Readonly<Record<string, string>>): { readonly contains?: string } {
  return options["contains"] === undefined ? {} : { contains: options["contains"] };
}

/** `status 200 contains "ok"` as a map; null when anything else stands there. */
function optionsOf(words: readonly Word[], names: readonly string[]): Readonly<Record<string, string>> | null {
  const options: Record<string, string> = {};
  for (let index = 0; index < words.length; index += 2) {
    const name = words[index];
    const value = words[index + 1];
    if (name === undefined || value === undefined || name.quoted || !names.includes(name.text)) return null;
    if (name.text in options) return null;
    options[name.text] = value.text;
  }
  return options;
}
