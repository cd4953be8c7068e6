#!/usr/bin/env bash
# Verifies statements with OpenSSL on the command line, and jq: a request in JSON on each line, and an answer to each.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Five words: the three parts of a token, and the coordinates of the key that it names. A signature of 64 bytes has 86
# characters, of which the last can only be one of four.
parts='
    select(.token | test("\\A[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]{85}[AQgw]\\z"))
    | (.token / ".") as $parts
    | ($parts[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson) as $header
    | select($header.alg == "ES256" and $header.typ == "reachability+jwt" and ($header | length) == 3)
    | first(.keys[] | select(.kid == $header.kid)) as $key
    | $parts + [$key.x, $key.y] | join(" ")'

claims='
    select(.iss == $wanted.issuer and .aud == $wanted.audience and .nonce == $wanted.nonce)
    | select(.iat <= now + 60 and (.nbf // 0) <= now + 60 and now < .exp + 60)'

# decode TEXT: the bytes of base64url.
decode() {
    local text=${1//-/+} padding=("" "" "==" "=")
    base64 -d <<<"${text//_//}${padding[${#1} % 4]}"
}

# verify REQUEST: each step has to succeed.
verify() {
    local words header payload signature x y hex content
    words=$(jq -er "$parts" <<<"$1") || return
    read -r header payload signature x y <<<"$words"
    # The beginning of every public key on P-256 (RFC 5480).
    { decode MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE && decode "$x" && decode "$y"; } >"$work/key" || return
    # OpenSSL has a signature as a sequence of two numbers.
    hex=$(decode "$signature" | od -An -v -tx1) || return
    hex=${hex//[^0-9a-f]/}
    printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "${hex:0:64}" "${hex:64}" |
        openssl asn1parse -noout -genconf - -out "$work/signature" || return
    printf '%s.%s' "$header" "$payload" |
        openssl dgst -sha256 -verify "$work/key" -keyform DER -signature "$work/signature" >/dev/null || return
    content=$(decode "$payload") || return
    jq -ec --argjson wanted "$1" "$claims" <<<"$content"
}

while read -r request; do
    if answer=$(verify "$request" 2>"$work/error"); then
        printf '{"done":%s}\n' "$answer"
    else
        jq -c --null-input --rawfile error "$work/error" '{refused: $error}'
    fi
done
