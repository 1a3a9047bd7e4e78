/** Money is in cents, weight in grams. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly price: number;
  readonly grams: number;
}

export const PRODUCTS: readonly Product[] = [
  { id: "trowel", name: "Hand trowel", price: 1250, grams: 240 },
  { id: "fork", name: "Hand fork", price: 1290, grams: 230 },
  { id: "spade", name: "Digging spade", price: 3990, grams: 2100 },
  { id: "rake", name: "Leaf rake", price: 2450, grams: 900 },
  { id: "hoe", name: "Dutch hoe", price: 2890, grams: 1100 },
  { id: "secateurs", name: "Secateurs", price: 3490, grams: 260 },
  { id: "loppers", name: "Loppers", price: 4690, grams: 1400 },
  { id: "gloves", name: "Leather gloves", price: 1890, grams: 180 },
  { id: "hose", name: "Garden hose, 20 m", price: 3290, grams: 3200 },
  { id: "can", name: "Watering can, 8 l", price: 2790, grams: 1300 },
  { id: "pot-small", name: "Clay pot, 11 cm", price: 290, grams: 420 },
  { id: "pot-large", name: "Clay pot, 25 cm", price: 990, grams: 2600 },
  { id: "seed-tray", name: "Seed tray", price: 490, grams: 150 },
  { id: "twine", name: "Jute twine", price: 390, grams: 250 },
  { id: "labels", name: "Plant labels, 50", price: 350, grams: 60 },
  { id: "tomato", name: "Tomato seeds", price: 290, grams: 5 },
  { id: "basil", name: "Basil seeds", price: 250, grams: 5 },
  { id: "lavender", name: "Lavender seeds", price: 310, grams: 5 },
  { id: "sunflower", name: "Sunflower seeds", price: 270, grams: 20 },
  { id: "chives", name: "Chives seeds", price: 240, grams: 5 },
  { id: "bulbs", name: "Tulip bulbs, 20", price: 1190, grams: 500 },
  { id: "fertiliser", name: "Tomato fertiliser, 1 l", price: 890, grams: 1150 },
  { id: "bark", name: "Bark mulch, 60 l", price: 1090, grams: 16_000 },
  { id: "soil", name: "Potting soil, 40 l", price: 1290, grams: 18_000 },
];

const BY_ID: ReadonlyMap<string, Product> = new Map(PRODUCTS.map((product) => [product.id, product]));

export function findProduct(id: string): Product | undefined {
  return BY_ID.get(id);
}
