/** What a customer is told, with its HTTP status. Anything else that is thrown is a mistake of ours: 500. */
export class ShopError extends Error {
  override readonly name = "ShopError";
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
