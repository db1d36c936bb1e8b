"""The REST proxy: produce, consume and manage topics, behind the ports that it requires of Kafka and a registry."""
