import { z } from "zod";
import { knowing } from "./about.ts";
import { NOT_BUILT_TRAFFIC_KEYS } from "./not-built.ts";
import { duration, filePath, oneOrMore, text } from "./values.ts";

const port = knowing(z.int().min(0).max(65_535), { noun: "a port", like: "8080" });

const tls = knowing(
  z.strictObject({
    certificate: filePath("tls/fullchain.pem").describe("PEM file of the certificate and its chain."),
    key: filePath("tls/key.pem").describe("PEM file of its private key."),
  }),
  { noun: "a certificate and its key" },
);

const listener = knowing(
  z.strictObject({
    port: port.describe("Port to listen on; 0 takes a free one."),
    host: text("an address", "0.0.0.0").prefault("127.0.0.1").describe("Address to listen on."),
    tls: tls
      .optional()
      .describe(
        "`{ certificate, key }`: PEM files, read again when they change. Without it the port speaks plain HTTP.",
      ),
  }),
  {
    section: {
      title: "Listeners",
      intro:
        "A listener is a port (`8080`), an address (`0.0.0.0:8080`), or an object; `embedded` takes one or a list.",
      example: `traffic:
  embedded:
    - 8080
    - { host: 0.0.0.0, port: 8443, tls: { certificate: tls/fullchain.pem, key: tls/key.pem } }`,
    },
  },
);

const address = knowing(z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:]+):\d{1,5}$/), {
  noun: "an address and a port",
  like: "0.0.0.0:8080",
});

const anyAddress = knowing(
  z.strictObject({
    tcp: address.describe("`host:port` of HAProxy's runtime API on another machine."),
  }),
  { noun: "an object with `tcp`" },
);

const socket = knowing(z.union([text("the path of a socket, or `host:port`", "/run/haproxy/admin.sock"), anyAddress]), {
  noun: "the path of a socket, or `host:port`",
  like: "/run/haproxy/admin.sock",
});

const haproxy = knowing(
  z.strictObject({
    socket: knowing(oneOrMore(socket), { noun: "the path of a socket, `host:port`, or a list of them" }).describe(
      "HAProxy's runtime API (`stats socket … level admin`): the path of its socket, `host:port` of this machine, or a list: of several load balancers a step ends when all agree. On another machine: `{ tcp: 10.0.0.2:9999 }`, in a network that is yours alone, because the API knows no password.",
    ),
    files: filePath("/etc/haproxy/tidegate")
      .or(z.literal(false))
      .prefault("/etc/haproxy/tidegate")
      .describe(
        "Folder of the files with which HAProxy starts: Tidegate writes the shares and the addresses of the instances there with every change, so that a restart or reload of HAProxy serves on as before. `false`: out of reach from here; then a restarted HAProxy waits for Tidegate.",
      ),
    inside: filePath("/usr/local/etc/haproxy/tidegate")
      .optional()
      .describe("The same folder as HAProxy sees it, where that runs in a container. By default `files`."),
    front: address
      .optional()
      .describe(
        "`host:port` at which Tidegate's own requests reach HAProxy's frontend, for `smoke` steps through the front door.",
      ),
  }),
  {
    section: {
      title: "HAProxy",
      intro:
        "`haproxy` takes the socket, a list of them, or an object. What HAProxy's configuration needs, `tidegate haproxy diff` shows and `tidegate haproxy apply` adds (docs/haproxy.md).",
      example: `traffic:
  haproxy:
    socket: [/run/haproxy/admin.sock, { tcp: 10.0.0.2:9999 }]
    files: /etc/haproxy/tidegate`,
    },
  },
);

const pins = knowing(
  z.strictObject({
    header: text("the name of a header", "x-tidegate-version")
      .prefault("x-tidegate-version")
      .describe("The request header that names the wanted version."),
    token: text("a reference", "${PIN_TOKEN}")
      .optional()
      .describe(
        "The secret that must stand beside it, in the header `x-tidegate-token`, as `${NAME}`. Without a token nobody but Tidegate itself can choose a version.",
      ),
  }),
  { noun: "an object with `header` and `token`" },
);

export const traffic = knowing(
  z.strictObject({
    embedded: knowing(oneOrMore(z.union([port, address, listener])), {
      noun: "a port, an address, an object, or a list of them",
    })
      .optional()
      .describe(
        "Where Tidegate's own proxy listens: a port on 127.0.0.1, `address:port`, an object, or a list (see Listeners).",
      ),
    haproxy: knowing(z.union([oneOrMore(socket), haproxy]), {
      noun: "the path of a socket, a list of them, or an object",
      like: "/run/haproxy/admin.sock",
    })
      .optional()
      .describe(
        "In the place of `embedded`: your own HAProxy divides the traffic. The path of its runtime socket, a list, or an object (see HAProxy).",
      ),
    sticky: knowing(z.string().regex(/^(none|cookie( [\w-]+)?|header [\w-]+)$/i), {
      noun: "`cookie`, `cookie NAME`, `header NAME` or `none`",
    })
      .prefault("cookie")
      .describe(
        "How a visitor stays on one version: by a random `cookie` (named `tidegate`, or `cookie NAME`), by a request header (`header authorization`; by the cookie where it is missing), or not at all: `none`.",
      ),
    pins: pins.prefault({}).describe("Who may choose a version for themselves: `{ header, token }`."),
    pause: duration
      .optional()
      .describe(
        "For a service of which two versions must never serve at once: when one takes the other's place, new requests are held until those under way have ended, at most for this long (up to 1m). Then there are no partial shares: the one shift is to 100%.",
      ),
    timeouts: z
      .strictObject({
        connect: duration.prefault("2s").describe("How long an instance may take to accept a connection."),
        headers: duration.prefault("10s").describe("How long a client may take to send the header of a request."),
        idle: duration.prefault("60s").describe("How long a client's connection may lie idle between requests."),
      })
      .prefault({})
      .describe(
        "`{ connect, headers, idle }`: how long the proxy waits for an instance to accept a connection (2s), for a client to send the header of a request (10s), and between two requests on one connection (60s). What a plan changes here is in force from the beginning of its release, for both versions; where that one is put back, what was before it is in force again.",
      ),
    drift: z
      .enum(["put-right", "leave"])
      .prefault("put-right")
      .describe(
        "What becomes of a share that something else has changed (a person at HAProxy's socket, say): it is put right and told, or it is left so, and the release holds until a person decides or the share is as before. Guards go on, and a share that went back because nobody watched is given again either way.",
      ),
    unwatched: z
      .strictObject({
        after: duration
          .prefault("2m")
          .describe("How long a part of the traffic stays on the new version when no engine watches, 2s or more."),
        do: z.enum(["stable", "hold"]).prefault("stable").describe("Then go back to `stable`, or `hold` the share."),
      })
      .prefault({})
      .describe(
        "`{ after, do }`: how long a part of the traffic stays on the new version when no engine watches it any more (2m), and then: back to `stable`, or `hold`.",
      ),
  }),
  {
    notBuilt: NOT_BUILT_TRAFFIC_KEYS,
    section: {
      title: "Traffic",
      intro:
        "Who splits the traffic between the versions: Tidegate's own proxy (`embedded`), or an HAProxy that you run.",
      example: `traffic: { embedded: 8080, sticky: cookie, unwatched: { after: 2m, do: stable } }`,
    },
  },
);
