"""The spine of Onbrand: configuration, workspace, records, artifacts, base models, commands."""

__version__ = "0.1.0"
