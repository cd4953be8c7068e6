"""Uses the client that openapi-python-client generated, and prints the answers as JSON.

It takes from the environment the URL of a checker, that of one of a later version (NEWER), and the ports OPEN,
CLOSED, TLS and UDP, and the CHALLENGE that the last answers with.
"""

import json
import os

from port_checker_client import Client
from port_checker_client.api.checks import check_ports, check_tls
from port_checker_client.api.status import health, ready
from port_checker_client.api.your_own_address import ip, port
from port_checker_client.models import (
    ChallengeOutcome,
    CheckBody,
    CheckResponse,
    ErrorBody,
    ErrorCode,
    Health,
    Icmp,
    OwnPort,
    PortResult,
    Readiness,
    Reason,
    TlsCheckRequest,
    TlsCheckResponse,
    Transport,
)

OPEN, CLOSED, TLS, UDP = (int(os.environ[name]) for name in ("OPEN", "CLOSED", "TLS", "UDP"))


def described(result: PortResult | OwnPort) -> list[object]:
    """The fields of a port, read through the types."""
    return [result.accessible, result.error, result.reason == Reason.REFUSED]


def of_udp(client: Client) -> list[object]:
    """The verdict about a UDP port."""
    challenge = os.environ["CHALLENGE"]
    body = CheckBody(ports=[UDP], transport=Transport.UDP, challenge=challenge, verbose=True)
    checked = check_ports.sync(client=client, body=body)
    assert isinstance(checked, CheckResponse)
    result = checked.results[str(UDP)]
    assert result.challenge == ChallengeOutcome.MATCHED
    return [result.accessible, result.challenge]


def of_newer(client: Client) -> list[object]:
    """Words of a checker of a later version, as they were sent."""
    checked = check_ports.sync(client=client, body=CheckBody(ports=[1], verbose=True))
    assert isinstance(checked, CheckResponse)
    result = checked.results["1"]
    assert isinstance(result.icmp, Icmp)
    refused = check_ports.sync_detailed(client=client, body=CheckBody(ports=[2]))
    assert isinstance(refused.parsed, ErrorBody)
    words = [result.reason, result.challenge, result.icmp.message]
    return [result.accessible, *words, refused.status_code, refused.parsed.detail.code]


def main() -> None:
    with Client(base_url=os.environ["URL"], raise_on_unexpected_status=True) as client:
        request = CheckBody(ports=[OPEN, CLOSED], provider_ip="127.0.0.1", verbose=True)
        checked = check_ports.sync(client=client, body=request)
        assert isinstance(checked, CheckResponse)
        wrong = CheckBody(ports=[OPEN], provider_ip="home.example")
        refused = check_ports.sync_detailed(client=client, body=wrong)
        assert isinstance(refused.parsed, ErrorBody)
        own = port.sync(OPEN, client=client)
        assert isinstance(own, OwnPort)
        tls = check_tls.sync(client=client, body=TlsCheckRequest(host="localhost", port=TLS))
        assert isinstance(tls, TlsCheckResponse) and tls.not_after is not None
        alive, working = health.sync(client=client), ready.sync(client=client)
        assert isinstance(alive, Health) and isinstance(working, Readiness)
        found = {
            "success": checked.success,
            "message": checked.message,
            "ports": sorted(int(key) for key in checked.results.additional_keys),
            "open": described(checked.results[str(OPEN)]),
            "closed": described(checked.results[str(CLOSED)]),
            "udp": of_udp(client),
            "refused": [
                refused.status_code,
                refused.parsed.detail.code == ErrorCode.INVALID_IP,
                refused.parsed.detail.message,
            ],
            "ip": ip.sync(client=client),
            "own": [own.ip, own.port, *described(own)],
            "tls": [tls.valid, tls.peer, tls.error, tls.not_after.timestamp()],
            "status": [alive.status, working.status],
        }
    with Client(base_url=os.environ["NEWER"], raise_on_unexpected_status=True) as client:
        found["newer"] = of_newer(client)
    print(json.dumps(found))


main()
