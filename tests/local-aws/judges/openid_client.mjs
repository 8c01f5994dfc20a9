// Verifies a token with openid-client (discovery) and jose (signature, claims).
// Arguments: issuer URL, token file, audience. HTTPS_PROXY and
// NODE_EXTRA_CA_CERTS are honoured. Prints the claims; exit 1 on failure.

import { readFileSync } from "node:fs";
import { setGlobalProxyFromEnv } from "node:http";

import { createRemoteJWKSet, jwtVerify } from "jose";
import { discovery } from "openid-client";

try {
  const [issuer, tokenFile, audience] = process.argv.slice(2);
  setGlobalProxyFromEnv();
  const server = (await discovery(new URL(issuer), audience)).serverMetadata();
  const { payload } = await jwtVerify(
    readFileSync(tokenFile, "utf8").trim(),
    createRemoteJWKSet(new URL(server.jwks_uri)),
    { issuer: server.issuer, audience, algorithms: server.id_token_signing_alg_values_supported },
  );
  console.log(JSON.stringify(payload));
} catch (error) {
  console.error(`${error.name}: ${error.message}`, error.cause ?? "");
  process.exitCode = 1;
}
