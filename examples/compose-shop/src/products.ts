export const PRODUCTS = [
  { id: "basil", cents: 349 },
  { id: "soil", cents: 899 },
  { id: "pot", cents: 1_250 },
] as const;

export function priceOf(product: string, quantity: number): number {
  const found = PRODUCTS.find(({ id }) => id === product);
  if (found === undefined) throw new Error(`no product ${product}`);
  return found.cents * quantity;
}
