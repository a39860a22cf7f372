"""AWS's own command line, started once: a script of deploy/ calls it a hundred times, and each start takes half a second of a processor.

    aws_server.py FOLDER    makes FOLDER/aws, a command that has this process do the work, and serves it until its standard input ends

Each call is a fork with the caller's arguments, environment, folder and standard streams; what runs in it is awscli.clidriver.main, as in
Debian's /usr/bin/aws.
"""
import functools
import json
import os
import pathlib
import selectors
import signal
import socket
import sys

COMMAND = """#!/usr/bin/python3 -SEs
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({path!r})
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
server.sendall(asked)
answer = server.recv(1)
os._exit(answer[0] if answer else 255)
"""


SERVICES = ("apigateway", "cloudformation", "cloudfront", "cloudwatch", "cognito-idp", "dynamodb", "iam", "lambda", "logs", "s3", "sns", "sqs", "ssm", "sts")


def serve(connection):
    """One call, in a process of its own; its end is told by another, which outlives it."""
    size, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    asked = b""
    while len(asked) < int.from_bytes(size, "big"):
        asked += connection.recv(65536)
    arguments, folder, environment = json.loads(asked)
    child = os.fork()
    if child == 0:
        connection.close()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment, AWS_DATA_PATH=DATA)
        sys.argv = ["aws", *arguments]
        run()
    for descriptor in descriptors:
        os.close(descriptor)
    _, status = os.waitpid(child, 0)
    connection.sendall(bytes([os.waitstatus_to_exitcode(status) & 255]))
    os._exit(0)


def run():
    code = 255
    try:
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                pass
        os._exit(code or 0)


def main(folder):
    path = str(pathlib.Path(folder) / "aws.socket")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    command = pathlib.Path(folder) / "aws"
    command.write_text(COMMAND.format(path=path))
    command.chmod(0o755)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    ready.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in ready.select():
            if key.fileobj is sys.stdin:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                serve(connection)
            connection.close()


import awscli.clidriver  # noqa: E402   after what needs no time
import botocore.loaders  # noqa: E402

# The models of services are read once: a fork has them already.
botocore.loaders.JSONFileLoader.load_file = functools.lru_cache(maxsize=None)(botocore.loaders.JSONFileLoader.load_file)
DATA = os.environ["AWS_DATA_PATH"]   # where awscli has put its own models
session = awscli.clidriver.create_clidriver().session
for service in SERVICES:
    session.get_service_model(service)
main(sys.argv[1])
