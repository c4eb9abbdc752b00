"""Configuration: settings from the environment and the packaged YAML files with their models. No database here."""
