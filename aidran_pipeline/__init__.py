"""AIDRAN pipeline: an autonomous, checkable newsroom for the public talk about artificial intelligence."""

__version__ = "0.1.0"
