"""The REST proxy's API v3: clusters, topics, configs, groups, ACLs, and streaming produce."""
