"""Neutron's own agent, without a broker: `fake://` ends at a process, so the half of the server that answers an agent runs in it too.

Started in the agent's network namespace. With API=1 the server's API is served as well, in the namespace of the
process that started this one, and what it casts to agents (port_update, network_delete) reaches this one.
"""
import ctypes
import os
import sys

# Its chains of rules are named after the program, as it is installed.
sys.argv[0] = "/usr/bin/neutron-linuxbridge-agent"

from neutron.cmd import eventlet  # noqa: F401, replaces parts of the standard library before anything else uses them
from neutron_lib.api import attributes
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins import directory

from neutron import manager, server, service
from neutron.api import extensions
from neutron.cmd.eventlet.plugins import linuxbridge_neutron_agent


def serve_outside():
    """A socket stays in the namespace in which it was opened, and so do those that it accepts."""
    libc = ctypes.CDLL(None, use_errno=True)
    here, outside = (os.open(f"/proc/{pid}/ns/net", os.O_RDONLY) for pid in ("self", os.getppid()))
    for namespace, work in ((outside, lambda: service.serve_wsgi(service.NeutronApiService)), (here, lambda: None)):
        if libc.setns(namespace, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        work()


def answer_agents():
    if os.environ.get("API") == "1":
        serve_outside()
    else:
        manager.init()
        extensions.PluginAwareExtensionManager.get_instance().extend_resources("2.0", attributes.RESOURCES)
    directory.get_plugin().start_rpc_listeners()
    registry.publish(resources.PROCESS, events.AFTER_SPAWN, None)


server.boot_server(answer_agents)
linuxbridge_neutron_agent.main()
