#!/usr/bin/python3
"""Reads configuration files with Supervisor's own code (from its Debian package).

    supervisor_config.py < JSON list of paths

Prints a JSON list: for each file what is wrong with it, as text, or what getAllConfigInfo would
tell of it, as a list.
"""

import io
import json
import sys
import warnings
from types import SimpleNamespace

from supervisor.options import ServerOptions
from supervisor.rpcinterface import SupervisorNamespaceRPCInterface
from supervisor.states import SupervisorStates

warnings.simplefilter("ignore")


class Refused(Exception):
    pass


def refuse(code):
    raise Refused(code)


def read(path):
    options = ServerOptions()
    options.stderr, options.stdout, options.exit = io.StringIO(), io.StringIO(), refuse
    try:
        options.realize(["-c", path])
    except Refused:
        return options.stderr.getvalue()
    options.mood = SupervisorStates.RUNNING
    daemon = SimpleNamespace(options=options, process_groups={})
    return SupervisorNamespaceRPCInterface(daemon).getAllConfigInfo()


json.dump([read(path) for path in json.load(sys.stdin)], sys.stdout)
