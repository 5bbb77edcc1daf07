"""What each command does, once `worker.commands` has read its options.

A task takes an `Invocation` and the command's own options, and answers the exit status. It prints
results on stdout and everything meant for people on stderr when --json was given.
"""
