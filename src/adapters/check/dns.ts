import { Resolver, promises as system } from "node:dns";
import { isIP, SocketAddress } from "node:net";
import type { CheckResult } from "../../core/plan/checklist.ts";
import type { CheckOf, CheckSettings } from "./checker.ts";

/** A name has addresses, and a given one among them. */
export async function checkDns(
  { name, address }: CheckOf<"dns">,
  signal: AbortSignal,
  { nameServers }: CheckSettings,
): Promise<CheckResult> {
  const found = nameServers === undefined ? await askSystem(name) : await askServers(name, nameServers, signal);
  if (typeof found === "string") return { passed: false, detail: `${name}: ${found}` };
  if (found.length === 0) return { passed: false, detail: `${name} has no address` };
  const shown = `${name} is ${found.slice(0, 4).join(", ")}${found.length > 4 ? " …" : ""}`;
  if (address === undefined || found.some((one) => canonical(one) === canonical(address))) {
    return { passed: true, detail: shown };
  }
  return { passed: false, detail: `${shown}, expected ${address}` };
}

/** As every program of this machine finds it: hosts file first. */
async function askSystem(name: string): Promise<readonly string[] | string> {
  try {
    return (await system.lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    return explain(error as NodeJS.ErrnoException);
  }
}

async function askServers(
  name: string,
  servers: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[] | string> {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  const ask = (family: "A" | "AAAA"): Promise<readonly string[] | NodeJS.ErrnoException> =>
    new Promise((done) => resolver.resolve(name, family, (error, addresses) => done(error ?? addresses)));
  const answers = await Promise.all([ask("A"), ask("AAAA")]);
  signal.removeEventListener("abort", cancel);
  const addresses = answers.flatMap((answer) => (answer instanceof Error ? [] : answer));
  const errors = answers.filter((answer) => answer instanceof Error);
  // A name with addresses of one family has none of the other: only when both fail it is a failure.
  return addresses.length === 0 && errors[0] !== undefined ? explain(errors[0]) : addresses;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name is not known",
  ENODATA: "the name has no address",
  EAI_AGAIN: "the name server does not answer",
  ETIMEOUT: "the name server does not answer",
  ECONNREFUSED: "nothing answers at the name server's address",
  ECANCELLED: "stopped before the answer came",
};

function explain(error: NodeJS.ErrnoException): string {
  return WORDS[error.code ?? ""] ?? error.message;
}

/** One spelling of an IPv6 address, of which there are many. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new SocketAddress({ address, family: "ipv6" }).address : address;
}
