"""The HTTP side: the application, the proxy, the admin API and the console."""
