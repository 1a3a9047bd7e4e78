import { FaultError } from "../../../core/fault.ts";
import { editDistance } from "../../../core/text/nearest.ts";
import { comesFromGit, type Service } from "../../../core/plan/service.ts";
import { git } from "./git.ts";

export interface VersionNames {
  /** Folder of the plan file. */
  readonly planFolder: string;
  readonly services: readonly Service[];
}

/** How many names are offered in place of an unknown one. */
const OFFERED = 5;
const MOST_COMMITS = 500;
/** What may be a version where git is not asked: it becomes a part of folder names and shell lines. */
const PLAIN_VERSION = /^[A-Za-z0-9][\w.+@:-]{0,127}$/;

/**
 * What a user calls a version → its full name: a sha in a git repository. Where every service has a `prepare:` line, a
 * version is what that line understands (a number on a registry, say), and only `HEAD` is looked up in git.
 * Faults: unknown-version, with the nearest tags and branches.
 */
export async function resolveVersion(
  { planFolder, services }: VersionNames,
  wanted: string,
): Promise<{ readonly version: string; readonly label: string }> {
  const plain = services.length > 0 && !services.some(comesFromGit);
  if (plain && !/^(?:HEAD|@)(?:$|[~^])/.test(wanted)) return plainVersion(wanted);
  const inside = await git(planFolder, ["rev-parse", "--is-inside-work-tree"]);
  if (inside.output !== "true") {
    throw plain ? notNamed(planFolder, wanted) : noRepository(planFolder, services, wanted, inside.error);
  }
  const commit = await git(planFolder, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${wanted}^{commit}`]);
  if (!commit.ok) throw await unknownVersion(planFolder, wanted);
  const version = commit.output;
  const tag = await git(planFolder, ["describe", "--tags", "--exact-match", version]);
  const short = await git(planFolder, ["rev-parse", "--short", version]);
  return { version, label: tag.ok ? tag.output : short.output };
}

/** Subjects of the commits that `to` has and `from` hasn't, newest first; empty where git knows nothing of them. */
export async function commitsBetween(planFolder: string, from: string, to: string): Promise<readonly string[]> {
  const range = ["log", `--max-count=${MOST_COMMITS}`, "--format=%s", "--end-of-options", `${from}..${to}`, "--"];
  const log = await git(planFolder, range).catch(() => null);
  return log?.ok === true && log.output !== "" ? log.output.split("\n") : [];
}

function plainVersion(wanted: string): { version: string; label: string } {
  if (PLAIN_VERSION.test(wanted)) return { version: wanted, label: wanted };
  throw new FaultError({
    code: "unknown-version",
    what: `"${wanted}" can't be the name of a version.`,
    fix: "use letters, digits and `. _ + @ : -`, and begin with a letter or a digit",
  });
}

function notNamed(folder: string, wanted: string): FaultError {
  return new FaultError({
    code: "unknown-version",
    what: `"${wanted}" means nothing here: the plan file's folder is not in a git repository.`,
    where: folder,
    fix: "name the version as the `prepare:` line understands it: tidegate release 1.2.3",
  });
}

function noRepository(folder: string, services: readonly Service[], wanted: string, cause: string): FaultError {
  if (cause.includes("dubious ownership")) return notTrusted(folder, wanted, cause);
  const without = services.filter(comesFromGit).map((service) => service.name);
  return new FaultError({
    code: "unknown-version",
    what: `"${wanted}" can't be looked up: the plan file's folder is not in a git repository.`,
    where: folder,
    fix: `git init && git add -A && git commit -m "First version"\nor give ${without.join(" and ") || "each service"} a \`prepare:\` line that makes \${dir} for \${version}`,
  });
}

/** The repository is there, and another user's: git then reads nothing of it, and a new one would hide it. */
function notTrusted(folder: string, wanted: string, cause: string): FaultError {
  const trust = cause
    .split("\n")
    .find((line) => line.includes("safe.directory"))
    ?.trim();
  return new FaultError({
    code: "unknown-version",
    what: `"${wanted}" can't be looked up: the repository belongs to another user, and git reads it only when it is told to.`,
    where: folder,
    cause: cause.split("\n")[0] ?? "",
    fix: `${trust ?? "git config --global --add safe.directory FOLDER"}\nor do it as the user to whom the repository belongs`,
  });
}

async function unknownVersion(folder: string, wanted: string): Promise<FaultError> {
  const names = await git(folder, [
    "for-each-ref",
    "--format=%(refname:short)",
    "refs/tags",
    "refs/heads",
    "refs/remotes",
  ]);
  const near = nearestNames(wanted, names.output.split("\n").filter(Boolean));
  const shallow = await git(folder, ["rev-parse", "--is-shallow-repository"]);
  const hasCommits = (await git(folder, ["rev-parse", "--verify", "--quiet", "HEAD"])).ok;
  const fixes = [
    ...(hasCommits ? [] : [`git add -A && git commit -m "First version"`]),
    ...(near.length > 0 ? [`the nearest are: ${near.join(", ")}`] : []),
    ...(shallow.output === "true" ? ["this clone is shallow; git fetch --unshallow --tags brings the rest"] : []),
    ...(hasCommits ? ["is it only on the server? git fetch --all --tags"] : []),
  ];
  return new FaultError({
    code: "unknown-version",
    what: hasCommits ? `git knows no version "${wanted}" here.` : "The repository has no commit yet.",
    where: folder,
    fix: fixes.join("\n"),
  });
}

/** Those that hold the word first, then by the letters that differ. */
function nearestNames(wanted: string, names: readonly string[]): string[] {
  const word = wanted.toLowerCase();
  const distance = (name: string): number => {
    const other = name.toLowerCase();
    return other.includes(word) || word.includes(other) ? 0 : editDistance(word, other);
  };
  return names
    .map((name) => ({ name, far: distance(name) }))
    .filter(({ name, far }) => far <= Math.max(3, name.length / 2))
    .sort((a, b) => a.far - b.far)
    .slice(0, OFFERED)
    .map(({ name }) => name);
}
