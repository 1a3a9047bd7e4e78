/** What TLS has against a certificate, in words for people: Node's advice to those who run it says nothing to them. */
export function tlsTrouble(message: string): string {
  return message.replace(/; if the root CA is installed locally, try running Node\.js with .*$/, "");
}

/** The certificate is by an authority that nobody here trusts: with that authority's own it would be. */
export function isUntrusted(message: string): boolean {
  return /unable to verify the first certificate|self-signed certificate|unable to get (?:local )?issuer certificate/i.test(
    message,
  );
}
