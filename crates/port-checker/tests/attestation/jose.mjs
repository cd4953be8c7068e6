// Signs and verifies statements with jose: a request in JSON on each line, and an answer to each. ATTESTATION_NPM
// names the directory where it is installed.
import { join } from "node:path";
import { createInterface } from "node:readline";

const library = join(process.env.ATTESTATION_NPM, "node_modules/jose/dist/webapi/index.js");
const { SignJWT, calculateJwkThumbprint, createLocalJWKSet, importPKCS8, jwtVerify } =
  await import(library);

// The library accepts padding, bits behind the last byte, and white space.
const form = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/;

async function verify({ token, keys, issuer, audience, nonce }) {
  if (!form.test(token)) throw new Error("another form");
  const { payload } = await jwtVerify(token, createLocalJWKSet({ keys }), {
    algorithms: ["ES256"],
    typ: "reachability+jwt",
    issuer,
    audience: audience ?? undefined,
    clockTolerance: 60,
    maxTokenAge: 86400,
    requiredClaims: ["iss", "iat", "exp", "jti", "ip", "open"],
  });
  if ((audience === null) !== (payload.aud === undefined)) throw new Error("another audience");
  if (payload.nonce !== (nonce ?? undefined)) throw new Error("another nonce");
  return payload;
}

async function sign({ claims, pem, headers }) {
  const key = await importPKCS8(pem, "ES256");
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", ...headers }).sign(key);
}

const thumbprint = ({ key }) => calculateJwkThumbprint(key);

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answer = await { verify, sign, thumbprint }[request.do](request).then(
    (done) => ({ done }),
    (error) => ({ refused: `${error.name}: ${error.message}` }),
  );
  console.log(JSON.stringify(answer));
}
