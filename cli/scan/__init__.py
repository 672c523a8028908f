"""`regate scan`: calls of providers in a code base that go around the gateway."""
