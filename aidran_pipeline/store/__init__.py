"""PostgreSQL: connection, embedded server, migrations, backups, and one module a table family. No stage's logic."""
