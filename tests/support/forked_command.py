"""Run `regate …` through the server of `prefork.py`: `forked_command.py SOCKET [ARGUMENT]…`.

The command takes over this program's folder, environment and files. This imports nothing that is slow.
"""

import json
import os
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
    connection.connect(sys.argv[1])
    request = {
        "arguments": sys.argv[2:],
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "session": False,
    }
    data = json.dumps(request).encode() + b"\n"
    socket.send_fds(connection, [data[:1]], [0, 1, 2])
    connection.sendall(data[1:])
    _, code = connection.makefile().read().split()
sys.exit(int(code) if int(code) >= 0 else 128 - int(code))
