"""Kafka as the service uses it: bytes, topics and offsets, the election, and the embedded Kafka.

Nothing else imports the Kafka clients (confluent-kafka, aiokafka).
"""
