"""The one Definitions object, which workspace.yaml loads. Not here: everything else (defs/build.py)."""

from aidran_pipeline.defs.build import build_definitions

defs = build_definitions()
