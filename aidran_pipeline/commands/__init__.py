"""What the commands of cli.py do and print, a module a family. What does not belong here: options and help (cli.py)."""
