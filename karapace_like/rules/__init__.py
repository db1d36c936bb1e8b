"""Rule sets of schemas, executed: conditions and transformations of records, as Confluent's clients run them."""
