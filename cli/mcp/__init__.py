"""`regate mcp`: policy work for coding agents, over MCP's standard input and output."""
