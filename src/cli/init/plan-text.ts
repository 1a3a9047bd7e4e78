import { stringify } from "yaml";
import type { Facts, ServiceFacts } from "./facts.ts";
import type { MarkdownStep } from "./from-markdown.ts";
import { UNKNOWN_RUN } from "./unknown-run.ts";

/** The plan file for what was found, with the steps of a Markdown plan where there was one. */
export function planText(facts: Facts, steps: readonly MarkdownStep[] | null): string {
  const { app, services, front } = facts;
  const isRouted = services.some((service) => service.isRouted);
  return [
    "# Tidegate's plan for this app. What a release by it would do: tidegate plan. What each key means: docs/plan-file.md in the package.\n",
    yaml({ app }),
    yaml({ services: Object.fromEntries(services.map((service) => [service.name, serviceEntry(service, services)])) }),
    ...(isRouted
      ? [`traffic: { embedded: ${front} }   # Tidegate listens here, and sends requests to the instances\n`]
      : []),
    ...(steps === null ? [defaultSteps(isRouted)] : [yaml({ steps })]),
  ].join("");
}

function serviceEntry(service: ServiceFacts, all: readonly ServiceFacts[]): Record<string, unknown> {
  const { run, compose, build, health, files, isRouted } = service;
  const route = isRouted && all.length > 1 ? { route: "/" } : {};
  if (compose !== undefined) {
    const port = compose.port === undefined ? {} : { port: compose.port };
    return { compose: compose.service, ...port, ...route, ...(health === undefined ? {} : { health }) };
  }
  return {
    ...(build === undefined ? {} : { build }),
    run: run ?? UNKNOWN_RUN,
    // The only service gets "/" by itself.
    ...route,
    ...(health === undefined ? {} : { health }),
    ...(files.length === 0 ? {} : { files: [...files] }),
  };
}

function defaultSteps(isRouted: boolean): string {
  if (!isRouted) return "";
  return [
    "",
    "# Without steps, a release does this. Uncomment to change it.",
    "# steps:",
    "#   - smoke                 # the health path, before any traffic",
    "#   - shift: 5%             # watched until there is enough evidence; or for: 10m",
    "#   - shift: 25%",
    "#   - shift: 100%",
    "#   - retire                # stops the old version; until here a rollback takes under a second",
    "",
  ].join("\n");
}

function yaml(value: object): string {
  return stringify(value, { lineWidth: 0, singleQuote: false });
}
