"""moto's S3 in a process of its own: says where it listens, and ends when its input does."""

from __future__ import annotations

import logging
import os
import sys

os.environ["S3_UPLOAD_PART_MIN_SIZE"] = "1024"

from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.moto_server.werkzeug_app import MotoRequestHandler

MotoRequestHandler.disable_nagle_algorithm = True
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("listening on http://{}:{}".format(*server.get_host_and_port()), flush=True)
sys.stdin.read()
os._exit(0)
