const MOST_ROUTES = 500;
/** With fewer requests a route's mean is mostly chance. */
const LEAST_REQUESTS = 20;
/** So many of the last requests make the mean: then older ones fade. */
const MEMORY = 1_000;

interface Mean {
  n: number;
  mean: number;
}

/** What is usual for a route: the running mean of ln latency (ms) of its requests; of all of them where it is not known. */
export class RouteMeans {
  readonly #all: Mean = { n: 0, mean: 0 };
  readonly #byRoute = new Map<string, Mean>();

  /** What was usual before this request, which is learned from. null: nothing is known yet. */
  pass(route: string, ln: number): number | null {
    const usual = this.of(route);
    learn(this.#all, ln);
    let known = this.#byRoute.get(route);
    if (known === undefined && this.#byRoute.size < MOST_ROUTES) this.#byRoute.set(route, (known = { n: 0, mean: 0 }));
    if (known !== undefined) learn(known, ln);
    return usual;
  }

  of(route: string): number | null {
    const known = this.#byRoute.get(route);
    if (known !== undefined && known.n >= LEAST_REQUESTS) return known.mean;
    return this.#all.n >= LEAST_REQUESTS ? this.#all.mean : null;
  }
}

function learn(mean: Mean, ln: number): void {
  mean.n += 1;
  mean.mean += (ln - mean.mean) / Math.min(mean.n, MEMORY);
}
