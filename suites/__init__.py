"""Other people's programs before a running gateway: the suites of SDKs, and clients. Installed on demand."""
