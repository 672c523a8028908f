"""detect-secrets' patterns come without what would ask a service about a secret."""

import subprocess
import sys


def test_nothing_that_could_ask_a_service_is_loaded_and_whoever_needs_it_gets_the_real_one() -> None:
    code = (
        "import sys, gateway.detect.entities.plugins as plugins; assert 'requests' not in sys.modules;"
        "assert plugins.StripeDetector.denylist; import requests; assert requests.get"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
