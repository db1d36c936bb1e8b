"""Access control: principals, their credentials, and the policy that decides. Pure: no HTTP, files or clock."""
