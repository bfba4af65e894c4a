/** Passkeys: the server's JSON to what the browser's ceremony wants, and its answer back to JSON (WebAuthn 3, 5.1.8-10). */

export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const plain = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(plain), (letter) => letter.charCodeAt(0));
}

export function toBase64url(bytes: ArrayBuffer): string {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const descriptors = (listed: PublicKeyCredentialDescriptorJSON[] | undefined): PublicKeyCredentialDescriptor[] =>
  (listed ?? []).map((one) => ({
    id: fromBase64url(one.id),
    type: "public-key",
    transports: one.transports as AuthenticatorTransport[],
  }));

export const isPossible = () => typeof PublicKeyCredential !== "undefined";

/** Asks for a passkey that exists: the answer for the server. Throws a DOMException when the person cancels. */
export async function usePasskey(options: PublicKeyCredentialRequestOptionsJSON): Promise<unknown> {
  const found = (await navigator.credentials.get({
    publicKey: {
      challenge: fromBase64url(options.challenge),
      allowCredentials: descriptors(options.allowCredentials),
      ...(options.rpId === undefined ? {} : { rpId: options.rpId }),
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
      userVerification: (options.userVerification ?? "preferred") as UserVerificationRequirement,
    },
  })) as PublicKeyCredential | null;
  if (!found) throw new DOMException("no passkey was given", "NotAllowedError");
  const answer = found.response as AuthenticatorAssertionResponse;
  return {
    id: found.id,
    rawId: toBase64url(found.rawId),
    type: found.type,
    clientExtensionResults: found.getClientExtensionResults(),
    response: {
      clientDataJSON: toBase64url(answer.clientDataJSON),
      authenticatorData: toBase64url(answer.authenticatorData),
      signature: toBase64url(answer.signature),
      userHandle: answer.userHandle ? toBase64url(answer.userHandle) : null,
    },
  };
}

/** Makes a passkey on this device: the answer for the server. */
export async function makePasskey(options: PublicKeyCredentialCreationOptionsJSON): Promise<unknown> {
  const made = (await navigator.credentials.create({
    publicKey: {
      rp: options.rp,
      user: { ...options.user, id: fromBase64url(options.user.id) },
      challenge: fromBase64url(options.challenge),
      pubKeyCredParams: options.pubKeyCredParams as PublicKeyCredentialParameters[],
      excludeCredentials: descriptors(options.excludeCredentials),
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
      ...(options.authenticatorSelection === undefined
        ? {}
        : { authenticatorSelection: options.authenticatorSelection as AuthenticatorSelectionCriteria }),
      attestation: (options.attestation ?? "none") as AttestationConveyancePreference,
    },
  })) as PublicKeyCredential | null;
  if (!made) throw new DOMException("no passkey was made", "NotAllowedError");
  const answer = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    rawId: toBase64url(made.rawId),
    type: made.type,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      clientDataJSON: toBase64url(answer.clientDataJSON),
      attestationObject: toBase64url(answer.attestationObject),
      transports: answer.getTransports?.() ?? [],
    },
  };
}
