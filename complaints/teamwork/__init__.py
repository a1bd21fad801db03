"""Work of several people on one case: tasks of other units, task force, playbook steps."""
