"""Who may do what: accounts, projects, environments, keys, tokens, scopes.

Other rooms use ``Access`` and the values of ``actors``. HTTP headers and cookies belong to ``api``.
"""
