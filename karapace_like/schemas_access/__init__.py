"""The registry as the REST proxy reads it: in this process, or over HTTP."""
