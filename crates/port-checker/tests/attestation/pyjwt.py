"""Signs and verifies statements with PyJWT: a request in JSON on each line, and an answer to each."""

import json
import re
import sys

import jwt

# The library accepts padding.
FORM = re.compile("[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]{85}[AQgw]")


def verify(token, keys, issuer, audience, nonce):
    if not FORM.fullmatch(token):
        raise ValueError("another form")
    header = jwt.get_unverified_header(token)
    if header["typ"] != "reachability+jwt":
        raise ValueError("another type")
    key = next(jwt.PyJWK(key) for key in keys if key["kid"] == header["kid"])
    required = ["iss", "iat", "exp", "jti", "ip", "open"]
    claims = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        issuer=issuer,
        audience=audience,
        leeway=60,
        options={"require": required},
    )
    if claims.get("nonce") != nonce:
        raise ValueError("another nonce")
    return claims


def sign(claims, pem, headers):
    return jwt.encode(claims, pem, algorithm="ES256", headers=headers)


for line in sys.stdin:
    request = json.loads(line)
    do = {"verify": verify, "sign": sign}[request.pop("do")]
    try:
        answer = {"done": do(**request)}
    except Exception as error:
        answer = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
