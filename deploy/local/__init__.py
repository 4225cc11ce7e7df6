"""Everything on this machine, without Docker: Postgres and Kafka out of packages, and the services beside them."""
