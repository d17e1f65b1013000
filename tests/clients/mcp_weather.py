"""An MCP server on stdin and stdout with one tool; its argument is a file that notes each call."""

import sys
from pathlib import Path

from mcp.server import MCPServer

server = MCPServer("weather")


@server.tool()
def get_weather(city: str) -> str:
    """Get the current weather in a city"""
    with Path(sys.argv[1]).open("a") as asked:
        asked.write(f"{city}\n")
    return '{"temperature": 18, "condition": "sunny"}'


server.run("stdio")
