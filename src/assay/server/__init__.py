"""Site and API in one process: ``create_app`` is what is served, ``serve`` runs it, ``listen`` takes the port."""

from assay.server.app import create_app, serve
from assay.server.listening import Listener, listen

__all__ = ["Listener", "create_app", "listen", "serve"]
