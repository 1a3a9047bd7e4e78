import { type Product, PRODUCTS } from "./catalogue.ts";
import type { Shop } from "./listener.ts";

const COLOURS: readonly string[] = ["#3b6ea8", "#2f855a", "#b7591c", "#7b4b94"];

/** The page that customers see. Its badge says which version answered, so that a release can be watched in a browser. */
export function homePage(shop: Shop): string {
  const { version, build } = shop.options;
  const colour = COLOURS[(Number(version.slice(1)) || 0) % COLOURS.length];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The Potting Shed</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #23301f; background: #f7f5ef; max-width: 60rem; margin: 0 auto; padding: 1rem }
  header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap }
  h1 { font-size: 1.6rem; margin: .5rem 0 }
  .badge { background: ${colour}; color: #fff; border-radius: 1rem; padding: .1rem .8rem }
  ul { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: .8rem }
  li { background: #fff; border: 1px solid #ddd8c8; border-radius: .5rem; padding: .8rem; display: grid; gap: .3rem }
  li.new { border-color: ${colour} }
  small { color: #6b6f60 }
  button { font: inherit; padding: .3rem; border: 1px solid #8a9a78; border-radius: .4rem; background: #eef3e6; cursor: pointer }
  output { display: block; min-height: 1.5em }
</style>
<header><h1>The Potting Shed</h1><span class="badge" title="build ${escape(build)}">${escape(version)}</span><small id="live">…</small></header>
<output></output>
<ul>${PRODUCTS.map((product) => item(shop, product)).join("")}</ul>
<script type="module">
  const say = (text) => (document.querySelector("output").textContent = text);
  const money = (cents) => (cents / 100).toFixed(2) + " €";
  const post = async (path, body, headers = {}) => {
    const answer = await fetch(path, { method: "POST", body: JSON.stringify(body), headers });
    const value = await answer.json();
    if (!answer.ok) throw new Error(value.error);
    return value;
  };
  document.querySelector("ul").addEventListener("click", async ({ target }) => {
    if (target.tagName !== "BUTTON") return;
    try {
      const { cart } = await post("/cart", { lines: [{ product: target.value, quantity: 1 }] });
      const order = await post("/checkout", { cart }, { "idempotency-key": Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("") });
      say("Thank you! Order " + order.id + ", " + money(order.total) + ", taken by " + order.acceptedBy + ".");
    } catch (error) {
      say("Sorry: " + error.message);
    }
  });
  const listen = () => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/live");
    const live = document.querySelector("#live");
    socket.onmessage = ({ data }) => {
      const { version, product, stock } = JSON.parse(data);
      live.textContent = "live from " + version;
      const item = document.getElementById(product);
      item.querySelector("small").textContent = stock + " in stock";
      item.classList.add("new");
      setTimeout(() => item.classList.remove("new"), 900);
    };
    socket.onclose = () => {
      live.textContent = "connecting …";
      setTimeout(listen, 500);
    };
  };
  listen();
</script>
</html>
`;
}

function item(shop: Shop, { id, name, price }: Product): string {
  return `<li id="${id}"><b>${escape(name)}</b>${(price / 100).toFixed(2)} €<small>${shop.live.stockOf(id)} in stock</small><button value="${id}">Buy</button></li>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
