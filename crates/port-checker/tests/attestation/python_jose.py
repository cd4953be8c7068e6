"""Signs and verifies statements with python-jose: a request in JSON on each line, and an answer to each."""

import json
import re
import sys
import time

from jose import jwt

# The library accepts padding, bits behind the last byte, and characters that are no base64url.
FORM = re.compile("[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]{85}[AQgw]")


def verify(token, keys, issuer, audience, nonce):
    if not FORM.fullmatch(token):
        raise ValueError("another form")
    header = jwt.get_unverified_header(token)
    if header["typ"] != "reachability+jwt":
        raise ValueError("another type")
    key = next(key for key in keys if key["kid"] == header["kid"])
    required = ["iss", "iat", "exp", "jti"]
    claims = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        issuer=issuer,
        audience=audience,
        options={"leeway": 60} | {f"require_{name}": True for name in required},
    )
    # The library does not compare it with the clock.
    if claims["iat"] > time.time() + 60:
        raise ValueError("issued in the future")
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
