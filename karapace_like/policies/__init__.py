"""Topic policies: what the REST proxy does with the records that clients produce to a topic."""
