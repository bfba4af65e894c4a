import { expect, it } from "vitest";
import { fromBase64url, toBase64url } from "./webauthn";

it("bytes go to base64url and come back the same, without signs that an address would change", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const text = toBase64url(bytes.buffer);
  expect(text).toMatch(/^[\w-]+$/);
  expect(fromBase64url(text)).toEqual(bytes);
});
