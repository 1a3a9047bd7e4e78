// The shop's web service: node server.ts --port 3000
import { createServer } from "node:http";
import { FaultSwitch } from "./src/faults.ts";
import { Live } from "./src/live.ts";
import { readOptions } from "./src/options.ts";
import { listener } from "./src/listener.ts";
import { stopOnSignal } from "./src/stop.ts";
import { Store } from "./src/store.ts";

const options = readOptions(process.argv.slice(2), process.env);
const store = await Store.open(options.data);
const faults = new FaultSwitch(options.data, options.version);
const live = new Live(store, options.version);
const stop = { asked: false, inFlight: 0 };

const server = createServer({ keepAliveTimeout: 30_000 }, listener({ options, store, faults, live, stop }));
server.on("upgrade", (request, socket, head) => live.upgrade(request, socket, head));

stopOnSignal(server, stop, { live, faults, store });
server.listen(options.port, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  console.log(`shop ${options.version} listens on http://127.0.0.1:${port}, data in ${options.data}`);
});
