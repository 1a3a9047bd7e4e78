import { z } from "zod";
import { knowing } from "./about.ts";
import { text, yesOrNo } from "./values.ts";

/** Each stands in a unit file as it is written here: a line for the systemd that runs the service. */
const settings = knowing(
  z.strictObject({
    user: accountName("shop")
      .optional()
      .describe(
        "Who runs the service. Of the system's services alone, which Tidegate uses when it runs as root; by default root then. A user's own services run as that user.",
      ),
    group: accountName("shop").optional().describe("Its group. By default the user's own."),
    slice: knowing(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:_.\\-]*\.slice$/), {
      noun: "the name of a slice",
      like: "shop.slice",
    })
      .optional()
      .describe("The slice in which its instances run, where limits for all of them together are set."),
    memoryMax: knowing(z.string().regex(/^(\d+[KMGT]?|\d+(\.\d+)?%|infinity)$/), {
      noun: "an amount of memory as systemd writes it",
      like: "512M",
    })
      .optional()
      .describe(
        "What one instance may have of memory: `512M`, or `10%` of the machine's. One that wants more is ended, and that is told.",
      ),
    cpuQuota: knowing(z.string().regex(/^\d+%$/), { noun: "a part of one core", like: "80%" })
      .optional()
      .describe("What one instance may have of processor time: `80%` of one core, `200%` of two."),
    properties: knowing(
      z.record(
        knowing(z.string().regex(/^[A-Z][A-Za-z0-9]+$/), { noun: "a setting of systemd's", like: "LimitNOFILE" }),
        z
          .union([property(), z.array(property())])
          .transform((value): readonly string[] => (Array.isArray(value) ? value : [value])),
      ),
      { noun: "settings of systemd's and their values" },
    )
      .prefault({})
      .describe(
        "Any other lines of the unit's `[Service]` section, after Tidegate's own and so before them in force: `{ LimitNOFILE: 65536, ProtectHome: read-only }`. A list writes the line once for each.",
      ),
  }),
  {
    section: {
      title: "systemd",
      intro:
        "`systemd: true` has systemd run the instances of a service, in place of Tidegate's keeper; everything else stays as it is with `run`. How that goes: [systemd.md](systemd.md).",
      example: `services:
  web:
    build: npm ci
    run: node server.js --port \${port}
    health: /health
    systemd: { user: shop, memoryMax: 512M, cpuQuota: 80% }`,
    },
  },
);

export const systemd = knowing(z.union([yesOrNo(), settings]), { noun: "`true` or an object" });

function accountName(like: string) {
  return knowing(z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/), { noun: "the name of an account", like });
}

function property() {
  return z.union([text("a value"), z.number(), z.boolean()]).transform((value) => spelled(value));
}

function spelled(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value);
}
