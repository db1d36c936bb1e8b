"""Who may do what: principals, how they prove it, and the policy that decides. Pure: no HTTP, files or clock."""
